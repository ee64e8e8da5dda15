"""What there is to run on: facts, gathered in one place and judged in others."""

from __future__ import annotations

from dataclasses import dataclass, field

from inference_workers.check.model import ModelFacts

GB = 10**9
MB = 10**6


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU that the engine may use."""

    index: int
    name: str
    memory_bytes: int
    free_bytes: int
    compute_capability: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineEnvironment:
    """What ENGINE_PYTHON has. A version is empty where the package is missing."""

    python: str
    vllm: str
    torch: str = ""
    transformers: str = ""
    cuda: str = ""
    """The CUDA that torch was built for; empty in a build for the CPU."""
    gpu_architectures: tuple[str, ...] = ()
    """Those that torch was built for, such as `sm_80` and `compute_120`."""
    model_architectures: frozenset[str] = frozenset()
    """Those that vLLM knows by name."""
    has_ray: bool = False

    @property
    def is_for_cpu(self) -> bool:
        return not self.cuda


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights as they lie on this host, and where they would come from."""

    folder: str
    """Where they are, or would have to be."""
    has_folder: bool = False
    has_config: bool = False
    has_tokenizer: bool = False
    files: tuple[str, ...] = ()
    """Files that hold weights and that vLLM would read."""
    missing: tuple[str, ...] = ()
    """Files that the index names and that are not there."""
    cut_short: tuple[str, ...] = ()
    """Files that end before their own header says."""
    size_bytes: int = 0
    sha256: str = ""
    """Computed only when asked for."""
    download_folder: str = ""
    free_bytes: int = 0
    """On the disk that a download would fill."""
    hub_error: str | None = None
    """Why the hub cannot give them; empty when it can, None when nobody asked."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Network:
    """Addresses that the engine needs."""

    socket_path: str = ""
    folder_error: str = ""
    """Why the socket's folder cannot be used."""
    node_error: str = ""
    """What is wrong with NODE_RANK and MASTER_ADDR."""
    node_rank: int | None = None
    busy_ports: tuple[int, ...] = ()
    """Ports of node 0 that something else holds, on node 0."""
    address_error: str = ""
    """Why MASTER_ADDR cannot be used from here."""
    engine_url: str = ""
    engine_error: str | None = None
    """Why the engine at ENGINE_URL does not serve; None when nobody asked."""
    engine_models: tuple[tuple[str, int], ...] = ()
    """Names and contexts that it serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """One host, its engine environment, and the weights on it."""

    memory_bytes: int
    available_bytes: int
    engine: EngineEnvironment | None
    engine_error: str = ""
    """Why there is no engine environment."""
    gpus: tuple[Gpu, ...] = ()
    driver: str = ""
    cpu_kv_bytes: int | None = None
    """What VLLM_CPU_KVCACHE_SPACE keeps for each rank; None when it is not set."""
    model: ModelFacts | None = None
    weights: Weights = field(default_factory=lambda: Weights(folder=""))
    network: Network = field(default_factory=Network)


def format_bytes(size: int) -> str:
    """In GB with one decimal, or in MB below one GB."""
    return f"{size / GB:,.1f} GB" if size >= GB else f"{size / MB:,.0f} MB"
