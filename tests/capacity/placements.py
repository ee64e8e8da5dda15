"""Models on GPUs, by name."""

from __future__ import annotations

from capacity.gpus import GPUS
from capacity.parallel import Layout, Placement
from capacity.shapes import SHAPES


def place(
    model: str, gpu: str, *, tensor: int = 1, pipeline: int = 1, dtype: str = "float16"
) -> Placement:
    layout = Layout(tensor_parallel_size=tensor, pipeline_parallel_size=pipeline)
    return Placement(shape=SHAPES[model], gpu=GPUS[gpu], layout=layout, dtype=dtype)
