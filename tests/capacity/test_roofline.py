"""The floor below which no engine can go."""

from __future__ import annotations

import pytest

from capacity.calibration import MeasuredPoint
from capacity.measurements import deepspeed_bloom_points, gpt_fast_points
from capacity.roofline import cost_step
from tests.capacity.placements import place


@pytest.mark.parametrize(
    ("gpu", "milliseconds"),
    [("a100-80gb", 21.4), ("h100-80gb", 13.0), ("h200-141gb", 9.1)],
)
def test_opt_175b_at_batch_1_is_its_weights_over_the_bandwidth(
    gpu: str, milliseconds: float
) -> None:
    cost = cost_step(place("opt-175b", gpu, tensor=8), batch=1, context=1)
    assert cost.floor_seconds * 1e3 == pytest.approx(milliseconds, abs=0.05)
    assert cost.floor_seconds == cost.memory_seconds


@pytest.mark.parametrize("point", [*deepspeed_bloom_points(), *gpt_fast_points()])
def test_no_published_point_is_under_the_floor(point: MeasuredPoint) -> None:
    cost = cost_step(point.placement, batch=point.batch, context=point.context)
    assert cost.floor_seconds < point.step_seconds


def test_keys_and_values_are_read_at_every_step() -> None:
    placement = place("opt-175b", "a100-80gb", tensor=8)
    short, long = (cost_step(placement, batch=4, context=context) for context in (1, 1001))
    read = 4 * 1000 * 4_718_592 / 8
    assert long.memory_seconds - short.memory_seconds == pytest.approx(read / 2039e9)


def test_large_batches_are_bound_by_arithmetic() -> None:
    cost = cost_step(place("opt-6.7b", "a100-80gb"), batch=1000, context=1)
    flops = 2 * 1000 * 6_658_473_984
    assert cost.floor_seconds == cost.compute_seconds
    assert cost.compute_seconds == pytest.approx(flops / 312e12, rel=0.01)


def test_one_rank_reduces_nothing_and_two_over_pcie_pay_for_it() -> None:
    alone = cost_step(place("opt-13b", "l40s"), batch=64, context=1)
    pair = cost_step(place("opt-13b", "l40s", tensor=2), batch=64, context=1)
    assert (alone.all_reduces, alone.transfer_seconds) == (0, 0.0)
    # 40 layers, twice; each rank sends its 64 x 5120 half-precision numbers once.
    assert pair.all_reduces == 80
    assert pair.transfer_seconds == pytest.approx(80 * 64 * 5120 * 2 / 32e9)


def test_stages_do_not_shorten_a_single_readers_step() -> None:
    one, two = (
        cost_step(place("opt-175b", "a100-80gb", tensor=8, pipeline=stages), batch=1, context=1)
        for stages in (1, 2)
    )
    assert one.floor_seconds == two.floor_seconds


def test_stages_share_the_sequences() -> None:
    placement = place("opt-175b", "a100-80gb", tensor=8, pipeline=2)
    assert cost_step(placement, batch=8, context=1) == cost_step(placement, batch=7, context=1)
    assert cost_step(placement, batch=8, context=1) == cost_step(
        place("opt-175b", "a100-80gb", tensor=8), batch=4, context=1
    )


def test_single_precision_is_counted_without_tensor_cores() -> None:
    half, single = (
        cost_step(place("opt-125m", "a100-80gb", dtype=dtype), batch=1, context=1)
        for dtype in ("float16", "float32")
    )
    assert single.compute_seconds / half.compute_seconds == pytest.approx(312 / 19.5)
    assert single.memory_seconds == 2 * half.memory_seconds
