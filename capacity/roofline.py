"""The fastest possible step, by the roofline of memory, arithmetic and links.

One step gives every running sequence one token. It reads all weights once and every sequence's
keys and values once, multiplies each weight with each sequence, and adds up the ranks' partial
results twice per layer. No engine can be faster than the longest of these at the data sheet's
speeds (Williams, Waterman and Patterson, "Roofline", CACM 52, 2009).

In a pipeline, the running sequences are split into as many groups as there are stages, and a group
passes through all stages for one token: more stages give room and throughput, not a shorter step.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from capacity.memory import count_kv_bytes
from capacity.parallel import Placement
from capacity.shapes import BYTES_PER_ELEMENT

ALL_REDUCES_PER_LAYER: Final = 2
"""After attention and after the feed-forward part (Megatron-LM, arXiv 1909.08053)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StepCost:
    """Seconds that one step takes at the data sheet's speeds, by cause."""

    memory_seconds: float
    compute_seconds: float
    transfer_seconds: float
    """Time to send the all-reduces' data over the links, without their latency."""
    all_reduces: int

    @property
    def floor_seconds(self) -> float:
        return max(self.memory_seconds, self.compute_seconds, self.transfer_seconds)


def cost_step(placement: Placement, *, batch: int, context: int) -> StepCost:
    """The cost of one step with `batch` sequences of `context` tokens each."""
    shape, gpu, layout = placement.shape, placement.gpu, placement.layout
    tensor = layout.tensor_parallel_size
    group = -(-batch // layout.pipeline_parallel_size)
    size = BYTES_PER_ELEMENT[placement.dtype]
    kv_bytes = shape.num_hidden_layers * count_kv_bytes(shape, ranks=tensor, dtype=placement.dtype)
    read = shape.parameters_read * size / tensor + group * context * kv_bytes
    reduces = ALL_REDUCES_PER_LAYER * shape.num_hidden_layers if tensor > 1 else 0
    # A ring sends each element 2 (n - 1) / n times; the links carry both directions at once.
    sent = group * shape.hidden_size * size * 2 * (tensor - 1) / tensor
    return StepCost(
        memory_seconds=read / gpu.memory_bytes_per_second,
        compute_seconds=group
        * _flops_per_token(placement, context=context)
        / (tensor * gpu.flops(placement.dtype)),
        transfer_seconds=reduces * sent / gpu.link_bytes_per_second,
        all_reduces=reduces,
    )


def _flops_per_token(placement: Placement, *, context: int) -> int:
    """A multiplication and an addition for each weight and for each attended token."""
    shape = placement.shape
    attention = 4 * shape.num_hidden_layers * shape.hidden_size * context
    return 2 * shape.parameters_read + attention
