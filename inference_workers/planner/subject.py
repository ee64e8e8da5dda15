"""The planner's subject: a known model, a deployment, or a `config.json`."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from capacity.config_json import DEFAULT_DTYPE, read_dtype, read_shape
from capacity.errors import PlanError
from capacity.parallel import Layout
from capacity.shapes import BYTES_PER_ELEMENT, SHAPES, ModelShape
from inference_workers.config import load_launcher_settings
from inference_workers.deployments import Deployment
from inference_workers.errors import ConfigurationError
from inference_workers.names import find_named


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """A shape, with settings from a deployment or a file; `None` where there is no setting."""

    shape: ModelShape
    dtype: str = DEFAULT_DTYPE
    context: int | None = None
    max_num_seqs: int | None = None
    gpu_memory_utilization: float | None = None
    layout: Layout | None = None


def read_config(path: Path) -> Subject:
    """The model of a `config.json`, or of a folder with one; raises `PlanError`."""
    file = path / "config.json" if path.is_dir() else path
    try:
        config = json.loads(file.read_text(encoding="utf-8"))
    except OSError as error:
        raise PlanError("config", f"{file} cannot be read: {error.strerror}") from None
    except ValueError as error:
        raise PlanError("config", f"{file} is not JSON: {error}") from None
    if not isinstance(config, dict):
        raise PlanError("config", f"{file} is not a JSON object")
    dtype = read_dtype(config)
    return Subject(
        shape=read_shape(config, name=file.parent.name or file.stem),
        dtype=dtype if dtype in BYTES_PER_ELEMENT else DEFAULT_DTYPE,
    )


def find_subject(name: str) -> Subject:
    """The deployment or known model of that name; raises `PlanError` with the known names."""
    try:
        settings = load_launcher_settings(name)
        found = find_named(settings.models_file, name)
    except ConfigurationError as error:
        raise PlanError("model", str(error)) from None
    if isinstance(found, ModelShape):
        return Subject(shape=found)
    return _describe_deployment(found, folder=settings.weights_folder(found))


def _describe_deployment(deployment: Deployment, *, folder: Path) -> Subject:
    found = _find_shape(deployment, folder=folder)
    return Subject(
        shape=found.shape,
        dtype=deployment.resolve_dtype(found.dtype),
        context=deployment.max_model_len,
        max_num_seqs=deployment.max_num_seqs,
        gpu_memory_utilization=deployment.gpu_memory_utilization,
        layout=deployment.layout,
    )


def _find_shape(deployment: Deployment, *, folder: Path) -> Subject:
    """The shape from the weights if they are here, otherwise from one of the deployment's names."""
    if (folder / "config.json").is_file():
        return read_config(folder)
    names = (deployment.weights_folder_name, deployment.slug, deployment.hub.rpartition("/")[2])
    for name in names:
        if name in SHAPES:
            return Subject(shape=SHAPES[name])
    raise PlanError(
        "model",
        f"the shape of {deployment.slug!r} is unknown and {folder / 'config.json'} does not exist; "
        "give a config.json with --config",
    )
