"""What the planner is asked about: a known model, a deployment, or a `config.json`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from capacity.config_json import read_shape
from capacity.errors import PlanError
from capacity.shapes import BYTES_PER_ELEMENT, SHAPES, ModelShape
from inference_workers.config import load_launcher_settings
from inference_workers.deployments import Deployment, load_deployments
from inference_workers.errors import ConfigurationError

UTILIZATION_ARGUMENT = "--gpu-memory-utilization"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A shape, with what a deployment or a file says besides; `None` where nothing does."""

    shape: ModelShape
    dtype: str = "float16"
    context: int | None = None
    max_num_seqs: int | None = None
    gpu_memory_utilization: float | None = None
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None

    def parallel_sizes(self, count: int) -> tuple[int | None, int | None]:
        """The deployment's sizes if they make up `count` GPUs; else to be chosen."""
        tensor, pipeline = self.tensor_parallel_size, self.pipeline_parallel_size
        if tensor is None or pipeline is None or tensor * pipeline != count:
            return None, None
        return tensor, pipeline


def read_config(path: Path) -> Subject:
    """The model of a `config.json`, or of the folder that has one; raises `PlanError`."""
    file = path / "config.json" if path.is_dir() else path
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError("config", f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PlanError("config", f"{file} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise PlanError("config", f"{file} is not a JSON object")
    dtype = str(config.get("dtype") or config.get("torch_dtype"))
    return Subject(
        shape=read_shape(config, name=file.parent.name or file.stem),
        dtype=dtype if dtype in BYTES_PER_ELEMENT else "float16",
    )


def find_subject(name: str) -> Subject:
    """The deployment of that name, else the known model; raises `PlanError` listing both."""
    try:
        settings = load_launcher_settings(name)
        deployments = load_deployments(settings.models_file)
    except ConfigurationError as error:
        raise PlanError("model", str(error)) from None
    deployment = deployments.get(name)
    if deployment is not None:
        folder = settings.weights_folder(deployment)
        return _describe_deployment(deployment, folder=folder)
    if name in SHAPES:
        return Subject(shape=SHAPES[name])
    known = ", ".join(sorted({*SHAPES, *deployments}))
    raise PlanError("model", f"{name!r} is neither a deployment nor a known model (known: {known})")


def _describe_deployment(deployment: Deployment, *, folder: Path) -> Subject:
    found = _find_shape(deployment, folder=folder)
    return Subject(
        shape=found.shape,
        dtype=found.dtype if deployment.dtype == "auto" else deployment.dtype,
        context=deployment.max_model_len,
        max_num_seqs=deployment.max_num_seqs,
        gpu_memory_utilization=_read_utilization(deployment.extra_args),
        tensor_parallel_size=deployment.tensor_parallel_size,
        pipeline_parallel_size=deployment.pipeline_parallel_size,
    )


def _find_shape(deployment: Deployment, *, folder: Path) -> Subject:
    """By the weights if they lie here, else by one of the names that the deployment gives."""
    if (folder / "config.json").is_file():
        return read_config(folder)
    names = (deployment.weights_folder_name, deployment.slug, deployment.hub.rpartition("/")[2])
    for name in names:
        if name in SHAPES:
            return Subject(shape=SHAPES[name])
    raise PlanError(
        "model",
        f"the shape of {deployment.slug!r} is not known and {folder / 'config.json'} is not there; "
        "name a config.json with --config",
    )


def _read_utilization(arguments: Sequence[str]) -> float | None:
    for place, argument in enumerate(arguments):
        name, _, value = argument.partition("=")
        if name == UTILIZATION_ARGUMENT:
            value = value or "".join(arguments[place + 1 : place + 2])
            try:
                return float(value)
            except ValueError:
                raise PlanError(
                    "model", f"{UTILIZATION_ARGUMENT} of the deployment is {value!r}, no number"
                ) from None
    return None
