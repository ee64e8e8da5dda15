"""The names that `check` and `plan` both take: deployments of models.toml, then known models."""

from __future__ import annotations

from pathlib import Path

from capacity.parallel import choose_layout
from capacity.shapes import SHAPES, ModelShape
from inference_workers.deployments import Deployment, load_deployments
from inference_workers.errors import ConfigurationError


def find_named(models_file: Path, name: str) -> Deployment | ModelShape:
    """The deployment of that name, or else the model; raises `ConfigurationError` listing both."""
    deployments = load_deployments(models_file)
    found = deployments.get(name) or SHAPES.get(name)
    if found is None:
        known = ", ".join(sorted({*SHAPES, *deployments}))
        raise ConfigurationError(
            f"{name!r} is neither a deployment nor a known model (known: {known})"
        )
    return found


def propose_deployment(shape: ModelShape, *, gpus: int) -> Deployment:
    """How one engine on this host might serve a model that models.toml does not name.

    All GPUs share it, at its full context. Raises `PlanError` if they are too many for it.
    """
    count = max(1, gpus)
    layout = choose_layout(shape, count=count, gpus_per_host=count)
    return Deployment(
        slug=shape.name,
        tensor_parallel_size=layout.tensor_parallel_size,
        pipeline_parallel_size=layout.pipeline_parallel_size,
        max_model_len=shape.max_position_embeddings,
    )
