"""The deployments that a worker can serve, read from `models.toml`."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from inference_workers.errors import ConfigurationError

PACKAGED_MODELS_FILE = Path(__file__).with_name("models.toml")

Slug = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9.-]*$", max_length=64)]


class Deployment(BaseModel):
    """One model as one engine serves it. Field names follow vLLM's arguments."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    slug: Slug
    engine: Literal["vllm", "scripted"] = "vllm"
    """`scripted` is a deterministic stand-in inside the worker, for tests and benchmarks."""
    weights: str = ""
    """A folder under WEIGHTS_DIR, or an absolute path; the slug if left out."""
    hub: str = ""
    """Where the engine fetches the weights from when there is no such folder."""
    served_name: str = ""
    tensor_parallel_size: int = Field(default=1, ge=1)
    pipeline_parallel_size: int = Field(default=1, ge=1)
    max_model_len: int = Field(ge=1)
    max_num_seqs: int = Field(default=32, ge=1)
    max_logprobs: int = Field(default=100, ge=-1)
    dtype: Literal["auto", "float16", "bfloat16", "float32"] = "auto"
    extra_args: tuple[str, ...] = ()
    env: dict[str, str] = Field(default_factory=dict)
    unset_env: tuple[str, ...] = ()
    expected_start_seconds: int = Field(default=60, ge=1)
    assumed_power_watts: float | None = Field(default=None, gt=0.0)
    """What its GPUs or processors draw together, where their power cannot be measured."""
    warmup: bool = True
    """Send one short request with log-probabilities before the engine counts as ready."""

    @property
    def model_name(self) -> str:
        """The name under which the engine answers."""
        return self.served_name or self.slug

    @property
    def weights_folder_name(self) -> str:
        return self.weights or self.slug


def load_deployments(path: Path) -> dict[str, Deployment]:
    """Every deployment of the file by its slug.

    Raises `ConfigurationError` with one line that names the file, the deployment and the field.
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
    return {slug: _parse(path, slug, table) for slug, table in tables.items()}


def load_deployment(path: Path, slug: str) -> Deployment:
    """The deployment called `slug`; raises `ConfigurationError` if the file has none."""
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
        raise ConfigurationError(
            f"{path}: deployment {slug!r}, field {field!r}: {first['msg']}"
        ) from None
