"""Facts about the machine. `facts` collects them, and the other modules check them."""

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
    """What is installed for ENGINE_PYTHON. The version of a missing package is empty."""

    python: str
    vllm: str
    torch: str = ""
    transformers: str = ""
    cuda: str = ""
    """The CUDA version that torch was built for; empty for a CPU build."""
    gpu_architectures: tuple[str, ...] = ()
    """GPU architectures that torch was built for, such as `sm_80` and `compute_120`."""
    model_architectures: frozenset[str] = frozenset()
    """Model architectures that vLLM knows by name."""
    has_ray: bool = False

    @property
    def is_for_cpu(self) -> bool:
        return not self.cuda


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """The weights on this host, and where they would come from."""

    folder: str
    """Where the weights are, or must be put."""
    has_folder: bool = False
    has_config: bool = False
    has_tokenizer: bool = False
    files: tuple[str, ...] = ()
    """Files that hold weights and that vLLM would read."""
    missing: tuple[str, ...] = ()
    """Files that the index names but that do not exist."""
    cut_short: tuple[str, ...] = ()
    """Files that are shorter than their own header says."""
    size_bytes: int = 0
    sha256: str = ""
    """Computed only with --verify-weights."""
    download_folder: str = ""
    free_bytes: int = 0
    """Free bytes on the disk that a download would use."""
    hub_error: str | None = None
    """Why the hub cannot provide them; empty if it can, None if it was not asked."""


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
    """Ports of node 0 that another process uses; known only on node 0."""
    address_error: str = ""
    """Why MASTER_ADDR cannot be used from this host."""
    engine_url: str = ""
    engine_error: str | None = None
    """Why the engine at ENGINE_URL cannot serve; None if it was not asked."""
    engine_models: tuple[tuple[str, int], ...] = ()
    """Names of the models that it serves, and their context lengths in tokens."""


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
    """Bytes that VLLM_CPU_KVCACHE_SPACE reserves for each rank; None if it is not set."""
    model: ModelFacts | None = None
    weights: Weights = field(default_factory=lambda: Weights(folder=""))
    network: Network = field(default_factory=Network)


def format_bytes(size: int) -> str:
    """The size in GB with one decimal, or in MB below 1 GB."""
    return f"{size / GB:,.1f} GB" if size >= GB else f"{size / MB:,.0f} MB"
