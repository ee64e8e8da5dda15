"""The names that `check` and `plan` accept: deployments in models.toml, then known models."""

from __future__ import annotations

from pathlib import Path

from capacity.parallel import choose_layout
from capacity.shapes import SHAPES, ModelShape
from inference_workers.deployments import Deployment, load_deployments
from inference_workers.errors import ConfigurationError


def find_named(models_file: Path, name: str) -> Deployment | ModelShape:
    """The deployment or model of that name; raises `ConfigurationError` with the known names."""
    deployments = load_deployments(models_file)
    found = deployments.get(name) or SHAPES.get(name)
    if found is None:
        known = ", ".join(sorted({*SHAPES, *deployments}))
        raise ConfigurationError(
            f"{name!r} is neither a deployment nor a known model (known: {known})"
        )
    return found


def propose_deployment(shape: ModelShape, *, gpus: int) -> Deployment:
    """How one engine on this host could serve a model that is not in models.toml.

    All GPUs share the model, with its full context. Raises `PlanError` if there are too many GPUs.
    """
    count = max(1, gpus)
    layout = choose_layout(shape, count=count, gpus_per_host=count)
    return Deployment(
        slug=shape.name,
        tensor_parallel_size=layout.tensor_parallel_size,
        pipeline_parallel_size=layout.pipeline_parallel_size,
        max_model_len=shape.max_position_embeddings,
    )
