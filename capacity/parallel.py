"""How one model is split among GPUs: tensor-parallel ranks inside pipeline stages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.errors import PlanError
from capacity.gpus import Gpu
from capacity.shapes import ModelShape

GPUS_PER_HOST: Final = 8
"""As in DGX and HGX machines; tensor parallelism is proposed only inside one host."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Parallel sizes, with vLLM's names; their product is the number of GPUs per replica."""

    tensor_parallel_size: int = 1
    pipeline_parallel_size: int = 1
    gpus_per_host: int = GPUS_PER_HOST

    @property
    def count(self) -> int:
        return self.tensor_parallel_size * self.pipeline_parallel_size

    @property
    def crosses_hosts(self) -> bool:
        """Whether the ranks of one layer must communicate over the network."""
        return self.tensor_parallel_size > self.gpus_per_host


@dataclass(frozen=True, slots=True, kw_only=True)
class Placement:
    """A model in one number format on GPUs of one kind."""

    shape: ModelShape
    gpu: Gpu
    layout: Layout
    dtype: str


def choose_layout(
    shape: ModelShape,
    *,
    count: int,
    tensor_parallel_size: int | None = None,
    pipeline_parallel_size: int | None = None,
    gpus_per_host: int = GPUS_PER_HOST,
) -> Layout:
    """The given sizes; missing ones are chosen, with as much tensor parallelism as possible.

    The heads and the host limit tensor parallelism. Raises `PlanError` with the field if the
    product of the sizes is not `count`, or if they do not divide the model.
    """
    if count < 1:
        raise PlanError("count", "at least 1 GPU is needed")
    tensor, pipeline = tensor_parallel_size, pipeline_parallel_size
    if tensor is None and pipeline is None:
        return _propose(shape, count=count, gpus_per_host=gpus_per_host)
    if tensor is None:
        tensor = _complete("pipeline_parallel_size", pipeline, count=count)
    if pipeline is None:
        pipeline = _complete("tensor_parallel_size", tensor, count=count)
    layout = Layout(
        tensor_parallel_size=tensor, pipeline_parallel_size=pipeline, gpus_per_host=gpus_per_host
    )
    if layout.count != count:
        raise PlanError(
            "tensor_parallel_size",
            f"{tensor} ranks in {pipeline} stages are {layout.count} GPUs, not {count}",
        )
    check_layout(shape, layout)
    return layout


def check_layout(shape: ModelShape, layout: Layout) -> None:
    """Raise `PlanError` if vLLM cannot split the model in this way."""
    tensor, stages = layout.tensor_parallel_size, layout.pipeline_parallel_size
    if tensor < 1 or not _divides(shape, tensor):
        possible = [
            size for size in range(1, shape.num_attention_heads + 1) if _divides(shape, size)
        ]
        raise PlanError(
            "tensor_parallel_size",
            f"{tensor} ranks cannot share the {shape.num_attention_heads} heads of {shape.name} "
            f"(possible: {', '.join(str(size) for size in possible)})",
        )
    if not 1 <= stages <= shape.num_hidden_layers:
        raise PlanError(
            "pipeline_parallel_size",
            f"{stages} stages cannot share the {shape.num_hidden_layers} layers of {shape.name}",
        )


def split_layers(layers: int, *, stages: int) -> tuple[int, ...]:
    """Layers per stage as in vLLM 0.32: the remainder goes to the stages before the last."""
    split = [layers // stages] * stages
    for place in range(2, layers % stages + 2):
        split[-place] += 1
    return tuple(split)


def _complete(field: str, size: int | None, *, count: int) -> int:
    if not size or size < 1 or count % size:
        raise PlanError(field, f"{count} GPUs cannot be split into groups of {size}")
    return count // size


def _propose(shape: ModelShape, *, count: int, gpus_per_host: int) -> Layout:
    for tensor in range(min(count, gpus_per_host), 0, -1):
        stages = count // tensor
        if count % tensor == 0 and _divides(shape, tensor) and stages <= shape.num_hidden_layers:
            return Layout(
                tensor_parallel_size=tensor,
                pipeline_parallel_size=stages,
                gpus_per_host=gpus_per_host,
            )
    raise PlanError("count", f"{count} GPUs cannot share {shape.name}; try fewer")


def _divides(shape: ModelShape, tensor: int) -> bool:
    shares_kv = shape.kv_heads % tensor == 0 or tensor % shape.kv_heads == 0
    return (
        shape.num_attention_heads % tensor == 0
        and shape.intermediate_size % tensor == 0
        and shares_kv
    )
