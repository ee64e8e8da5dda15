"""What fits: weights on each GPU, and the tokens whose keys and values fit beside them.

On each GPU the engine may use `gpu_memory_utilization` of the memory. Weights, then
`reserve_bytes_per_gpu`, are taken from that; the rest holds keys and values, in blocks. The stage
of the pipeline with the least room decides for all.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.parallel import Placement
from capacity.shapes import BYTES_PER_ELEMENT

GIB: Final = 2**30


@dataclass(frozen=True, slots=True, kw_only=True)
class MemoryAssumptions:
    """What is taken for granted of the engine."""

    gpu_memory_utilization: float = 0.92
    """vLLM 0.32's default. The rest is the driver's, the libraries' and the safety margin's."""
    reserve_bytes_per_gpu: int = 0
    """Activations and CUDA graphs, where they do not fit into what utilization leaves.

    0 reproduces table 1 of the vLLM paper. Engines take 1 to 3 GiB, by `max_num_batched_tokens`.
    """
    block_size: int = 16
    """Tokens of one block of keys and values; vLLM's default."""


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
    def why_not(self) -> str:
        """One sentence; empty if it fits."""
        if self.fits:
            return ""
        if self.weight_bytes_per_gpu > self.usable_bytes_per_gpu:
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
    assume = assumptions or MemoryAssumptions()
    usable = (
        round(assume.gpu_memory_utilization * placement.gpu.memory_bytes)
        - assume.reserve_bytes_per_gpu
    )
    weights = weight_bytes_by_stage(placement)
    per_layer = _kv_bytes_per_layer_and_gpu(placement)
    room = [max(0, usable - stage) for stage in weights]
    blocks = min(
        free // (layers * per_layer * assume.block_size)
        for free, layers in zip(room, placement.layers_by_stage, strict=True)
    )
    slots = blocks * assume.block_size
    return MemoryPlan(
        weight_bytes=placement.shape.weight_bytes(placement.dtype),
        weight_bytes_per_gpu=max(weights),
        usable_bytes_per_gpu=usable,
        kv_bytes=sum(room) * placement.layout.tensor_parallel_size if slots else 0,
        kv_bytes_per_token=placement.shape.kv_bytes_per_token(placement.dtype),
        kv_slots=slots,
        context=context,
        full_sequences=slots // context,
    )


def weight_bytes_by_stage(placement: Placement) -> tuple[int, ...]:
    """Bytes on one GPU of each stage: the embeddings on the first, the output matrix on the last.

    With one stage, tied matrices are held once; with more, the first and the last hold a copy each.
    """
    shape, stages = placement.shape, placement.layers_by_stage
    head = shape.vocab_size * (shape.word_embed_proj_dim or shape.hidden_size)
    extra = [0] * len(stages)
    extra[0] = shape.parameters_outside_layers
    if len(stages) > 1:
        extra[0] -= 0 if shape.tie_word_embeddings else head
        extra[-1] += head
    ranks = placement.layout.tensor_parallel_size
    size = BYTES_PER_ELEMENT[placement.dtype]
    return tuple(
        -(-(layers * shape.layer_parameters + beside) * size // ranks)
        for layers, beside in zip(stages, extra, strict=True)
    )


def _kv_bytes_per_layer_and_gpu(placement: Placement) -> int:
    elements = 2 * placement.kv_heads_per_gpu * placement.shape.head_size
    return elements * BYTES_PER_ELEMENT[placement.dtype]
