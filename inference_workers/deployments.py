"""The deployments that a worker can serve, read from `models.toml`."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
    model_validator,
)

from capacity.parallel import Layout
from inference_workers.errors import ConfigurationError

PACKAGED_MODELS_FILE = Path(__file__).with_name("models.toml")

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=64)]
Sha256 = Annotated[str, StringConstraints(pattern=r"^[0-9a-f]{64}$")]
ARGUMENTS_WITH_A_FIELD = (
    "tensor_parallel_size",
    "pipeline_parallel_size",
    "nnodes",
    "distributed_executor_backend",
    "max_model_len",
    "max_num_seqs",
    "max_logprobs",
    "dtype",
    "gpu_memory_utilization",
    "revision",
)
"""vLLM's arguments. In `extra_args` they would affect the engine, but not check and plan."""
CPU_BACKEND = "VLLM_CPU_"
"""The prefix of the variables of vLLM's CPU backend."""
SAME_ON_ONE_QUEUE = (
    "hub",
    "revision",
    "weights_sha256",
    "max_model_len",
    "max_logprobs",
    "max_tokens",
)
"""Fields that must agree, because another deployment of the queue may continue a job."""


class Deployment(BaseModel):
    """How one engine serves one model. Field names follow vLLM's arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: Slug
    engine: Literal["vllm", "external", "scripted"] = "vllm"
    """`external` is a vLLM server started by others, at ENGINE_URL. `scripted` is a deterministic
    stand-in inside the worker, for tests and benchmarks."""
    queue: Slug | Literal[""] = ""
    """The deployment whose jobs this one runs; default: its own. Releases use this name."""
    replicas: int = Field(default=1, ge=1)
    """Number of engines on one host, each with its own GPUs, folder, launcher and worker."""
    weights: str = ""
    """A folder under WEIGHTS_DIR, or an absolute path; default: the slug."""
    weights_sha256: Sha256 | Literal[""] = ""
    """Hash over the files that affect the model's output; see `check/weights_manifest.py`."""
    hub: str = ""
    """The repository at HF_ENDPOINT that the launcher fetches if the folder does not exist."""
    revision: str = ""
    """The commit of the hub's repository; default: the newest."""
    served_name: str = ""
    tensor_parallel_size: int = Field(default=1, ge=1)
    pipeline_parallel_size: int = Field(default=1, ge=1)
    nnodes: int = Field(default=1, ge=1)
    """Number of hosts that one engine spans."""
    distributed_executor_backend: Literal["mp", "ray"] = "mp"
    """How the hosts are joined: a launcher on each (`mp`), or an existing Ray cluster."""
    max_model_len: int = Field(ge=1)
    max_num_seqs: int = Field(default=32, ge=1)
    max_logprobs: int = Field(default=-1, ge=-1)
    """-1 for the whole vocabulary. This costs nothing until it is requested, and the portal and the
    worker limit what can be requested."""
    max_tokens: int = Field(default=0, ge=0)
    """The maximum tokens that one job may request; 0 means that only the context limits it."""
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = "auto"
    gpu_memory_utilization: float | None = Field(default=None, gt=0.0, le=1.0)
    """The share of each GPU's memory that vLLM may take; default: vLLM's own."""
    extra_args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    unset_env: tuple[str, ...] = ()
    expected_start_seconds: int = Field(default=60, ge=1)
    assumed_power_watts: float | None = Field(default=None, gt=0.0)
    """The power of all its GPUs or processors together, used if it cannot be measured."""
    warmup: bool = True
    """Whether to send one short request with log-probabilities before the engine is ready."""

    @field_validator("extra_args")
    @classmethod
    def _check_extra_args(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for argument in value:
            name = argument.partition("=")[0].removeprefix("--").replace("-", "_")
            if argument.startswith("--") and name in ARGUMENTS_WITH_A_FIELD:
                raise ValueError(f"{argument} has its own field: {name}")
        return value

    @model_validator(mode="after")
    def _check_hosts(self) -> Deployment:
        if self.world_size % self.nnodes:
            raise ValueError(
                f"nnodes = {self.nnodes} must divide tensor_parallel_size x "
                f"pipeline_parallel_size = {self.world_size}"
            )
        if self.nnodes > 1 and self.replicas > 1:
            raise ValueError("replicas are for one host; leave replicas out if nnodes is above 1")
        if self.max_tokens > self.max_model_len:
            raise ValueError("max_tokens must not be above max_model_len")
        if self.revision and not self.hub:
            raise ValueError("revision refers to the hub; set hub too")
        return self

    @property
    def model_name(self) -> str:
        """The name of the model on the engine's API."""
        return self.served_name or self.slug

    @property
    def queue_name(self) -> str:
        """The portal's `deployment`: the name in queues, heartbeats and messages."""
        return self.queue or self.slug

    @property
    def weights_folder_name(self) -> str:
        return self.weights or self.slug

    @property
    def world_size(self) -> int:
        """Ranks of one engine on all its hosts together, one GPU each."""
        return self.tensor_parallel_size * self.pipeline_parallel_size

    @property
    def has_dummy_weights(self) -> bool:
        """Whether vLLM uses random weights, to try a shape; it then reads only `config.json`."""
        return "dummy" in _values(self.extra_args, "--load-format")

    @property
    def ranks_per_node(self) -> int:
        return self.world_size // self.nnodes

    @property
    def layout(self) -> Layout:
        """How the model is split among the ranks."""
        return Layout(
            tensor_parallel_size=self.tensor_parallel_size,
            pipeline_parallel_size=self.pipeline_parallel_size,
            gpus_per_host=self.ranks_per_node,
        )

    def resolve_dtype(self, stored: str) -> str:
        """The dtype that vLLM computes in: `auto` keeps bfloat16 and uses float16 otherwise."""
        if self.dtype != "auto":
            return self.dtype
        return "bfloat16" if stored == "bfloat16" else "float16"

    @property
    def runs_on_cpu(self) -> bool:
        """Whether it sets variables of vLLM's CPU backend, which has no effect on a GPU."""
        return any(name.startswith(CPU_BACKEND) for name in self.env)

    @property
    def needs_launcher_per_node(self) -> bool:
        """Whether each host needs its own launcher, as in vLLM's multi-node mode."""
        is_ours = self.engine == "vllm" and self.distributed_executor_backend == "mp"
        return is_ours and self.nnodes > 1


def _values(arguments: Sequence[str], name: str) -> Iterator[str]:
    """An argument's values, whether written `--name value` or `--name=value`."""
    for argument, following in pairwise((*arguments, "")):
        head, equals, value = argument.partition("=")
        if head == name:
            yield value if equals else following


def load_deployments(path: Path) -> dict[str, Deployment]:
    """All deployments in the file, by slug.

    Raises `ConfigurationError` with one line: the file, the deployment and the field.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ConfigurationError(f"MODELS_FILE: {path} does not exist") from None
    except OSError as error:
        raise ConfigurationError(f"MODELS_FILE: {path} cannot be read: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path}: not valid TOML: {error}") from error
    unknown = sorted(set(document) - {"deployments"})
    if unknown:
        raise ConfigurationError(f"{path}: unknown table {unknown[0]!r}; expected [deployments.*]")
    tables = document.get("deployments", {})
    deployments = {slug: _parse(path, slug, table) for slug, table in tables.items()}
    _check_queues(path, deployments)
    return deployments


def load_deployment(path: Path, slug: str) -> Deployment:
    """The deployment called `slug`; raises `ConfigurationError` if it is not in the file."""
    deployments = load_deployments(path)
    if slug not in deployments:
        known = ", ".join(sorted(deployments)) or "none"
        raise ConfigurationError(f"DEPLOYMENT: {slug!r} is not in {path} (known: {known})")
    return deployments[slug]


def _parse(path: Path, slug: str, table: object) -> Deployment:
    if not isinstance(table, dict):
        raise ConfigurationError(f"{path}: deployments.{slug} must be a table")
    try:
        return Deployment.model_validate({**table, "slug": slug})
    except ValidationError as error:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"])
        place = f"{path}: deployment {slug!r}" + (f", field {field!r}" if field else "")
        message = first["msg"].removeprefix("Value error, ")
        raise ConfigurationError(f"{place}: {message}") from None


def _check_queues(path: Path, deployments: dict[str, Deployment]) -> None:
    """Require that deployments of one queue serve the same model with the same limits."""
    for deployment in deployments.values():
        if not deployment.queue:
            continue
        owner = deployments.get(deployment.queue)
        place = f"{path}: deployment {deployment.slug!r}, field 'queue'"
        if owner is None or owner.queue_name != owner.slug:
            raise ConfigurationError(f"{place}: {deployment.queue!r} has no queue of its own")
        for field in ("weights_folder_name", *SAME_ON_ONE_QUEUE):
            if getattr(deployment, field) != getattr(owner, field):
                name = field.removesuffix("_folder_name")
                raise ConfigurationError(f"{place}: {name} must be the same as for {owner.slug!r}")
