"""What fits into memory: the weights on each GPU, and the keys and values beside them.

On each GPU the engine may use `gpu_memory_utilization` of the memory. Weights and
`reserve_bytes_per_gpu` are taken from that; the rest holds keys and values, in blocks. The pipeline
stage with the least room sets the limit.

`plan` and `check` both use this module, and differ only in the reserve: `plan` starts from
`PUBLISHED_RESERVE_BYTES`, `check` uses `ENGINE_RESERVE_BYTES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from capacity.parallel import Layout, Placement, split_layers
from capacity.shapes import BYTES_PER_ELEMENT, ModelShape

GIB: Final = 2**30
DEFAULT_GPU_MEMORY_UTILIZATION: Final = 0.92
"""The default of vLLM 0.32."""
DEFAULT_BLOCK_SIZE: Final = 16
"""Tokens of one block of keys and values; vLLM's default."""
PUBLISHED_RESERVE_BYTES: Final = 0
"""Published figures have no reserve; this value reproduces table 1 of the vLLM paper."""
ENGINE_RESERVE_BYTES: Final = 3 * GIB
"""The memory of each GPU that a running engine reserves for activations and CUDA graphs.

Engines take 1 to 3 GiB, depending on `max_num_batched_tokens`; this is the largest value, so that
`check` does not promise too much.
"""


class Attention(Protocol):
    """The dimensions that determine the size of keys and values."""

    @property
    def num_hidden_layers(self) -> int: ...
    @property
    def kv_heads(self) -> int: ...
    @property
    def head_size(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAssumptions:
    """Assumptions about the engine."""

    gpu_memory_utilization: float = DEFAULT_GPU_MEMORY_UTILIZATION
    """The rest is for the driver, the libraries and a safety margin."""
    reserve_bytes_per_gpu: int = PUBLISHED_RESERVE_BYTES
    """Activations and CUDA graphs, as far as they do not fit into that rest."""
    block_size: int = DEFAULT_BLOCK_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNeed:
    """Bytes that one pipeline stage needs on each of its GPUs."""

    weight_bytes: int
    kv_bytes_per_token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """The memory that one replica needs, on any GPUs."""

    weight_bytes: int
    """Bytes of the whole model."""
    stages: tuple[StageNeed, ...]
    tensor_parallel_size: int

    @property
    def weight_bytes_per_gpu(self) -> int:
        """Bytes on the GPU with the most weights."""
        return max(stage.weight_bytes for stage in self.stages)

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes on all GPUs together, including copies if there are more ranks than heads."""
        return self.tensor_parallel_size * sum(stage.kv_bytes_per_token for stage in self.stages)

    def count_slots(self, kv_bytes: Sequence[int], *, block_size: int = DEFAULT_BLOCK_SIZE) -> int:
        """Tokens that fit, in whole blocks, into `kv_bytes` on each GPU of each stage."""
        blocks = min(
            max(0, room) // (stage.kv_bytes_per_token * block_size)
            for room, stage in zip(kv_bytes, self.stages, strict=True)
        )
        return blocks * block_size


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """The memory of one replica, in bytes, tokens and sequences."""

    weight_bytes: int
    weight_bytes_per_gpu: int
    """Bytes on the GPU with the most weights."""
    usable_bytes_per_gpu: int
    """The engine's share of each GPU, without the reserve."""
    kv_bytes: int
    """Room for keys and values on all GPUs together; 0 if the weights do not fit."""
    kv_bytes_per_token: int
    kv_slots: int
    """Tokens whose keys and values fit."""
    context: int
    full_sequences: int
    """Sequences of `context` tokens that fit at the same time."""

    @property
    def fits(self) -> bool:
        """Whether the weights and at least one sequence of full length fit."""
        return self.full_sequences > 0

    @property
    def holds_weights(self) -> bool:
        return self.weight_bytes_per_gpu <= self.usable_bytes_per_gpu

    @property
    def why_not(self) -> str:
        """The reason in one sentence; empty if it fits."""
        if self.fits:
            return ""
        if not self.holds_weights:
            return (
                f"The weights take {self.weight_bytes_per_gpu / GIB:.1f} GiB of each GPU, "
                f"but only {self.usable_bytes_per_gpu / GIB:.1f} GiB are usable."
            )
        return (
            f"Beside the weights, {self.kv_slots} tokens fit, "
            f"fewer than one sequence of {self.context}."
        )


def plan_memory(
    placement: Placement, *, context: int, assumptions: MemoryAssumptions | None = None
) -> MemoryPlan:
    """Fit the model into the GPUs. Never raises; a model that does not fit has no slots."""
    need = count_need(placement.shape, placement.layout, dtype=placement.dtype)
    memory_bytes = placement.gpu.memory_bytes
    return fit_memory(need, memory_bytes=memory_bytes, context=context, assumptions=assumptions)


def fit_memory(
    need: MemoryNeed,
    *,
    memory_bytes: int,
    context: int,
    assumptions: MemoryAssumptions | None = None,
) -> MemoryPlan:
    """The same for a given need, on GPUs with `memory_bytes` each."""
    assume = assumptions or MemoryAssumptions()
    usable = round(assume.gpu_memory_utilization * memory_bytes) - assume.reserve_bytes_per_gpu
    room = [max(0, usable - stage.weight_bytes) for stage in need.stages]
    slots = need.count_slots(room, block_size=assume.block_size)
    return MemoryPlan(
        weight_bytes=need.weight_bytes,
        weight_bytes_per_gpu=need.weight_bytes_per_gpu,
        usable_bytes_per_gpu=usable,
        kv_bytes=sum(room) * need.tensor_parallel_size if slots else 0,
        kv_bytes_per_token=need.kv_bytes_per_token,
        kv_slots=slots,
        context=context,
        full_sequences=slots // context,
    )


def count_need(shape: ModelShape, layout: Layout, *, dtype: str) -> MemoryNeed:
    """The need of a model whose parameters can be counted."""
    weights = _weight_bytes_by_stage(shape, layout, dtype=dtype)
    return _combine(shape, layout, dtype=dtype, total=shape.weight_bytes(dtype), weights=weights)


def spread_need(model: Attention, layout: Layout, *, dtype: str, weight_bytes: int) -> MemoryNeed:
    """The need of a model with only the weights' size known, spread evenly over the layers."""
    ranks, layers = layout.tensor_parallel_size, model.num_hidden_layers
    stages = split_layers(layers, stages=layout.pipeline_parallel_size)
    weights = [-(-weight_bytes * stage // (layers * ranks)) for stage in stages]
    return _combine(model, layout, dtype=dtype, total=weight_bytes, weights=weights)


def count_kv_bytes(model: Attention, *, ranks: int, dtype: str) -> int:
    """Bytes of keys and values of one token in one layer on one of its ranks.

    If there are fewer heads than ranks, heads are repeated, one for each rank, as in vLLM.
    """
    return 2 * -(-model.kv_heads // ranks) * model.head_size * BYTES_PER_ELEMENT[dtype]


def _combine(
    model: Attention, layout: Layout, *, dtype: str, total: int, weights: Sequence[int]
) -> MemoryNeed:
    per_layer = count_kv_bytes(model, ranks=layout.tensor_parallel_size, dtype=dtype)
    layers = split_layers(model.num_hidden_layers, stages=layout.pipeline_parallel_size)
    return MemoryNeed(
        weight_bytes=total,
        stages=tuple(
            StageNeed(weight_bytes=stage_weights, kv_bytes_per_token=stage_layers * per_layer)
            for stage_weights, stage_layers in zip(weights, layers, strict=True)
        ),
        tensor_parallel_size=layout.tensor_parallel_size,
    )


def _weight_bytes_by_stage(shape: ModelShape, layout: Layout, *, dtype: str) -> tuple[int, ...]:
    """Bytes on one GPU of each stage: embeddings on the first, the output matrix on the last.

    With one stage, tied matrices are stored once; with more, the first and last have a copy each.
    """
    stages = split_layers(shape.num_hidden_layers, stages=layout.pipeline_parallel_size)
    head = shape.vocab_size * (shape.word_embed_proj_dim or shape.hidden_size)
    extra = [0] * len(stages)
    extra[0] = shape.parameters_outside_layers
    if len(stages) > 1:
        extra[0] -= 0 if shape.tie_word_embeddings else head
        extra[-1] += head
    ranks, size = layout.tensor_parallel_size, BYTES_PER_ELEMENT[dtype]
    return tuple(
        -(-(layers * shape.layer_parameters + beside) * size // ranks)
        for layers, beside in zip(stages, extra, strict=True)
    )
