"""What fits: weights on each GPU, and the tokens whose keys and values fit beside them.

On each GPU the engine may use `gpu_memory_utilization` of the memory. Weights, then
`reserve_bytes_per_gpu`, are taken from that; the rest holds keys and values, in blocks. The stage
of the pipeline with the least room decides for all.

`plan` and `check` both reckon here, and differ in the reserve alone: `plan` starts from
`PUBLISHED_RESERVE_BYTES`, `check` keeps `ENGINE_RESERVE_BYTES`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol

from capacity.parallel import Layout, Placement, split_layers
from capacity.shapes import BYTES_PER_ELEMENT, ModelShape

GIB: Final = 2**30
DEFAULT_GPU_MEMORY_UTILIZATION: Final = 0.92
"""Of vLLM 0.32."""
DEFAULT_BLOCK_SIZE: Final = 16
"""Tokens of one block of keys and values; vLLM's default."""
PUBLISHED_RESERVE_BYTES: Final = 0
"""Published figures keep nothing back; with this, table 1 of the vLLM paper comes out."""
ENGINE_RESERVE_BYTES: Final = 3 * GIB
"""What to expect a running engine to keep of each GPU for activations and CUDA graphs.

Engines take 1 to 3 GiB, by `max_num_batched_tokens`; who must not promise too much takes the most.
"""


class Attention(Protocol):
    """The dimensions that keys and values follow from."""

    @property
    def num_hidden_layers(self) -> int: ...
    @property
    def kv_heads(self) -> int: ...
    @property
    def head_size(self) -> int: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAssumptions:
    """What is taken for granted of the engine."""

    gpu_memory_utilization: float = DEFAULT_GPU_MEMORY_UTILIZATION
    """What is left is the driver's, the libraries' and the safety margin's."""
    reserve_bytes_per_gpu: int = PUBLISHED_RESERVE_BYTES
    """Activations and CUDA graphs, where they do not fit into what utilization leaves."""
    block_size: int = DEFAULT_BLOCK_SIZE


@dataclass(frozen=True, slots=True, kw_only=True)
class StageNeed:
    """Bytes that one stage of the pipeline needs on each of its GPUs."""

    weight_bytes: int
    kv_bytes_per_token: int


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryNeed:
    """What one replica needs, wherever it runs."""

    weight_bytes: int
    """Of the whole model."""
    stages: tuple[StageNeed, ...]
    tensor_parallel_size: int

    @property
    def weight_bytes_per_gpu(self) -> int:
        """On the GPU with the most of them."""
        return max(stage.weight_bytes for stage in self.stages)

    @property
    def kv_bytes_per_token(self) -> int:
        """On all GPUs together, copies included where ranks are more than heads."""
        return self.tensor_parallel_size * sum(stage.kv_bytes_per_token for stage in self.stages)

    def count_slots(self, kv_bytes: Sequence[int], *, block_size: int = DEFAULT_BLOCK_SIZE) -> int:
        """Tokens that fit, in whole blocks, into so many bytes on each GPU of each stage."""
        blocks = min(
            max(0, room) // (stage.kv_bytes_per_token * block_size)
            for room, stage in zip(kv_bytes, self.stages, strict=True)
        )
        return blocks * block_size


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryPlan:
    """Bytes of one replica; tokens and sequences of the whole replica."""

    weight_bytes: int
    weight_bytes_per_gpu: int
    """On the GPU with the most of them."""
    usable_bytes_per_gpu: int
    """What the engine may take of each GPU, less the reserve."""
    kv_bytes: int
    """All GPUs' room for keys and values together; 0 where the weights do not fit."""
    kv_bytes_per_token: int
    kv_slots: int
    """Tokens whose keys and values fit."""
    context: int
    full_sequences: int
    """Sequences of `context` tokens that fit at once."""

    @property
    def fits(self) -> bool:
        """Whether the weights and at least one sequence of full length fit."""
        return self.full_sequences > 0

    @property
    def holds_weights(self) -> bool:
        return self.weight_bytes_per_gpu <= self.usable_bytes_per_gpu

    @property
    def why_not(self) -> str:
        """One sentence; empty if it fits."""
        if self.fits:
            return ""
        if not self.holds_weights:
            return (
                f"The weights take {self.weight_bytes_per_gpu / GIB:.1f} GiB of each GPU, "
                f"and {self.usable_bytes_per_gpu / GIB:.1f} GiB are to be had."
            )
        return (
            f"Beside the weights {self.kv_slots} tokens fit, "
            f"fewer than one sequence of {self.context}."
        )


def plan_memory(
    placement: Placement, *, context: int, assumptions: MemoryAssumptions | None = None
) -> MemoryPlan:
    """Fit the model into the GPUs; never raises: what does not fit has no slots."""
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
    """The same for a need already counted, on GPUs of `memory_bytes` each."""
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
    """The need of a model of which only the weights' size is known: as much for every layer."""
    ranks, layers = layout.tensor_parallel_size, model.num_hidden_layers
    stages = split_layers(layers, stages=layout.pipeline_parallel_size)
    weights = [-(-weight_bytes * stage // (layers * ranks)) for stage in stages]
    return _combine(model, layout, dtype=dtype, total=weight_bytes, weights=weights)


def count_kv_bytes(model: Attention, *, ranks: int, dtype: str) -> int:
    """Bytes of keys and values that one token leaves in one layer on one of its ranks.

    Fewer heads than ranks are repeated, one to a rank, as vLLM does.
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
    """Bytes on one GPU of each stage: the embeddings on the first, the output matrix on the last.

    With one stage, tied matrices are held once; with more, the first and the last hold a copy each.
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
