"""Published measurements, unchanged, and the calibrations fitted to them."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from typing import Final

from capacity.calibration import Calibration, MeasuredPoint, fit
from capacity.errors import PlanError
from capacity.gpus import GPUS
from capacity.parallel import Layout, Placement
from capacity.shapes import SHAPES, Architecture, ModelShape

DEEPSPEED_BLOOM: Final = "deepspeed-bloom-176b"
GPT_FAST_LLAMA_2: Final = "gpt-fast-llama-2"

DEEPSPEED_BLOOM_MS_PER_TOKEN: Final[Mapping[int, float]] = {
    1: 44.02, 8: 5.70, 16: 3.01, 32: 1.68, 64: 1.00, 128: 0.69,
}  # fmt: skip
"""DeepSpeed-Inference, BLOOM-176B in float16 on 8 x A100-80GB, by batch size.

From "Incredibly Fast BLOOM Inference with DeepSpeed and Accelerate" (Hugging Face, September
2022). The figure is the time divided by *all* generated tokens, so a batch of 128 counts 128 tokens
per step: it is the reciprocal of throughput, and a reader waits `batch` times as long for the next
token, 44 ms at 1 and 88 ms at 128. Each of 5 runs generated 100 tokens after a prompt padded to
about 9; tokenizing and reading the prompt are included, a few percent at the largest batch.
"""
DEEPSPEED_BLOOM_CONTEXT: Final = 9 + 100 // 2

GPT_FAST_TOKENS_PER_SECOND: Final[Mapping[tuple[str, int], float]] = {
    ("llama-2-7b", 1): 104.9,
    ("llama-2-7b", 2): 168.84,
    ("llama-2-7b", 4): 254.02,
    ("llama-2-7b", 8): 328.43,
    ("llama-2-70b", 2): 21.32,
    ("llama-2-70b", 4): 38.01,
    ("llama-2-70b", 8): 62.50,
}
"""gpt-fast (compiled PyTorch), bfloat16, batch 1, by model and tensor-parallel A100-80GB.

From its README (pytorch-labs/gpt-fast, section "Tensor Parallelism"): prompts of 5 tokens, GPUs
limited to 330 W. The context assumes the default of 200 generated tokens.
"""
GPT_FAST_CONTEXT: Final = 5 + 200 // 2

_LLAMA_2: Final = {
    "llama-2-7b": ModelShape(
        name="llama-2-7b",
        architecture=Architecture.LLAMA,
        num_hidden_layers=32,
        hidden_size=4096,
        num_attention_heads=32,
        intermediate_size=11008,
        vocab_size=32000,
        max_position_embeddings=4096,
        tie_word_embeddings=False,
    ),
    "llama-2-70b": ModelShape(
        name="llama-2-70b",
        architecture=Architecture.LLAMA,
        num_hidden_layers=80,
        hidden_size=8192,
        num_attention_heads=64,
        intermediate_size=28672,
        vocab_size=32000,
        max_position_embeddings=4096,
        num_key_value_heads=8,
        tie_word_embeddings=False,
    ),
}


def deepspeed_bloom_points() -> tuple[MeasuredPoint, ...]:
    """The BLOOM figures as step times, smallest batch first."""
    placement = _on_a100s(SHAPES["bloom-176b"], ranks=8, dtype="float16")
    return tuple(
        MeasuredPoint(
            placement=placement,
            batch=batch,
            context=DEEPSPEED_BLOOM_CONTEXT,
            step_seconds=batch * ms / 1e3,
        )
        for batch, ms in DEEPSPEED_BLOOM_MS_PER_TOKEN.items()
    )


def gpt_fast_points() -> tuple[MeasuredPoint, ...]:
    """The Llama 2 figures as step times."""
    return tuple(
        MeasuredPoint(
            placement=_on_a100s(_LLAMA_2[model], ranks=ranks, dtype="bfloat16"),
            batch=1,
            context=GPT_FAST_CONTEXT,
            step_seconds=1 / rate,
        )
        for (model, ranks), rate in GPT_FAST_TOKENS_PER_SECOND.items()
    )


POINTS: Final = {DEEPSPEED_BLOOM: deepspeed_bloom_points, GPT_FAST_LLAMA_2: gpt_fast_points}


@cache
def find_calibration(name: str = DEEPSPEED_BLOOM) -> Calibration:
    """The calibration of that name; raises `PlanError` with the known names."""
    if name not in POINTS:
        raise PlanError("calibration", f"{name!r} is unknown (known: {', '.join(POINTS)})")
    return fit(POINTS[name](), name=name)


def _on_a100s(shape: ModelShape, *, ranks: int, dtype: str) -> Placement:
    layout = Layout(tensor_parallel_size=ranks)
    return Placement(shape=shape, gpu=GPUS["a100-80gb"], layout=layout, dtype=dtype)
