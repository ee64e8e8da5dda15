"""The converter's memory does not grow with the model."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.engine_tools.metaseq_cases import PEAK_MEMORY, convert, make_checkpoints

pytestmark = pytest.mark.slow

MAY_GROW_KB = 6_000
"""Sixteen layers instead of four add 170,000 kB of weights."""


def test_memory_does_not_grow_with_the_number_of_layers(tmp_path: Path) -> None:
    shape = {"hidden": 768, "embed": 768, "ffn": 3072, "parts": 2, "shards": 8, "reference": False}
    depths = (4, 16)
    make_checkpoints({tmp_path / str(depth): {**shape, "layers": depth} for depth in depths})
    peaks, sizes = [], []
    for depth in depths:
        out = tmp_path / f"out-{depth}"
        result = convert(
            "convert", tmp_path / str(depth) / "metaseq", out, "--jobs", 2, code=PEAK_MEMORY
        )
        assert (result.status, result.errors) == (0, [])
        peaks.append(int(result.output[-1]))
        sizes.append(sum(path.stat().st_size for path in out.glob("*.safetensors")) // 1024)
    assert sizes[1] - sizes[0] > 160_000
    assert peaks[1] - peaks[0] < MAY_GROW_KB
