"""Fitted factors, against points that were not used for fitting."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest

from capacity.calibration import (
    ASSUMED,
    Efficiency,
    MeasuredPoint,
    estimate_step,
    fit,
)
from capacity.errors import PlanError
from capacity.measurements import (
    DEEPSPEED_BLOOM,
    GPT_FAST_LLAMA_2,
    deepspeed_bloom_points,
    find_calibration,
    gpt_fast_points,
)
from capacity.roofline import cost_step
from tests.capacity.placements import place

FITTED = 0.02
"""The largest error at the six BLOOM points if all are used for fitting."""
HELD_OUT = 0.06
"""The largest error at a BLOOM point that was not used for fitting, also outside the range."""
OTHER_MODEL = 0.10
"""The largest error for Llama 2 70B if only 7B was used for fitting."""

BLOOM = deepspeed_bloom_points()
LLAMA = gpt_fast_points()


def errors(points: Sequence[MeasuredPoint], efficiency: Efficiency) -> list[float]:
    return [abs(estimate(point, efficiency) / point.step_seconds - 1) for point in points]


def estimate(point: MeasuredPoint, efficiency: Efficiency) -> float:
    cost = cost_step(point.placement, batch=point.batch, context=point.context)
    return estimate_step(cost, efficiency)


def test_bloom_figures_are_shares_of_a_step() -> None:
    steps = {point.batch: round(point.step_seconds * 1e3, 1) for point in BLOOM}
    assert steps == {1: 44.0, 8: 45.6, 16: 48.2, 32: 53.8, 64: 64.0, 128: 88.3}


def test_two_numbers_describe_bloom_from_batch_1_to_128() -> None:
    calibration = find_calibration(DEEPSPEED_BLOOM)
    assert max(errors(BLOOM, calibration.efficiency)) == calibration.worst_error
    assert calibration.worst_error < FITTED
    assert calibration.efficiency.all_reduce_seconds == pytest.approx(101e-6, rel=0.02)


@pytest.mark.parametrize("left_out", range(len(BLOOM)))
def test_every_bloom_point_is_foretold_by_the_others(left_out: int) -> None:
    others = [*BLOOM[:left_out], *BLOOM[left_out + 1 :]]
    efficiency = fit(others, name="others").efficiency
    assert errors([BLOOM[left_out]], efficiency)[0] < HELD_OUT


def test_large_bloom_batches_are_foretold_by_small_ones() -> None:
    efficiency = fit(BLOOM[:4], name="up to 32").efficiency
    assert max(errors(BLOOM[4:], efficiency)) < HELD_OUT


def test_llama_70b_is_foretold_by_7b_on_one_to_eight_gpus() -> None:
    small, large = LLAMA[:4], LLAMA[4:]
    assert {point.placement.shape.name for point in large} == {"llama-2-70b"}
    efficiency = fit(small, name="7b").efficiency
    assert max(errors(large, efficiency)) < OTHER_MODEL


def test_what_is_assumed_is_what_was_fitted() -> None:
    llama = find_calibration(GPT_FAST_LLAMA_2).efficiency
    bloom = find_calibration(DEEPSPEED_BLOOM).efficiency
    assert llama.memory_efficiency == pytest.approx(ASSUMED.memory_efficiency, rel=0.05)
    assert llama.all_reduce_seconds == pytest.approx(ASSUMED.all_reduce_seconds, rel=0.05)
    assert bloom.compute_efficiency == pytest.approx(ASSUMED.compute_efficiency, rel=0.05)


@pytest.mark.parametrize(
    ("tensor", "unknown"),
    [
        (1, ("memory_efficiency", "compute_efficiency")),
        (8, ("compute_efficiency", "all_reduce_seconds")),
    ],
)
def test_a_fit_finds_the_factors_that_made_the_points(
    tensor: int, unknown: tuple[str, str]
) -> None:
    truth = Efficiency(memory_efficiency=0.6, compute_efficiency=0.3, all_reduce_seconds=50e-6)
    given = {
        name: getattr(ASSUMED, name)
        for name in ("memory_efficiency", "compute_efficiency", "all_reduce_seconds")
        if name not in unknown
    }
    truth = replace(truth, **given)

    found = fit(_made(truth, tensor=tensor, batches=(1, 16, 64)), name="made").efficiency

    for name in ("memory_efficiency", "compute_efficiency", "all_reduce_seconds"):
        assert getattr(found, name) == pytest.approx(getattr(truth, name))


def test_batches_that_a_pipeline_makes_equal_fit_one_factor() -> None:
    # Two stages run batches of 1 and 2 as groups of one.
    placement = place("opt-66b", "h100-80gb", tensor=4, pipeline=2)
    points = [
        MeasuredPoint(placement=placement, batch=batch, context=500, step_seconds=0.03)
        for batch in (1, 2)
    ]
    found = fit(points, name="pipeline").efficiency
    assert max(errors(points, found)) < 1e-9
    assert found.compute_efficiency == pytest.approx(ASSUMED.compute_efficiency)


def test_one_point_fits_one_factor() -> None:
    truth = replace(ASSUMED, memory_efficiency=0.5)
    found = fit(_made(truth, tensor=1, batches=(1,)), name="one").efficiency
    assert found.memory_efficiency == pytest.approx(0.5)
    assert found.compute_efficiency == pytest.approx(ASSUMED.compute_efficiency)


def test_no_factor_becomes_better_than_the_hardware() -> None:
    # The step does not grow at all with the batch: more than arithmetic can do.
    flat = [replace(point, step_seconds=0.045) for point in BLOOM if point.batch in {1, 8}]
    found = fit(flat, name="flat").efficiency
    assert found.compute_efficiency == 1.0
    assert max(errors(flat, found)) < 0.03


def test_what_arithmetic_cannot_explain_is_put_down_to_memory() -> None:
    truth = Efficiency(memory_efficiency=0.95, compute_efficiency=1.0, all_reduce_seconds=50e-6)
    made = _made(truth, tensor=8, batches=(1, 16, 64))
    found = fit(made, name="fast").efficiency
    assert found.compute_efficiency == 1.0
    assert found.memory_efficiency == pytest.approx(0.95)
    assert found.all_reduce_seconds == pytest.approx(50e-6)


def test_points_that_the_hardware_cannot_reach_are_refused() -> None:
    divided = [replace(point, step_seconds=point.step_seconds / point.batch) for point in BLOOM]
    with pytest.raises(PlanError) as caught:
        fit(divided, name="divided")
    assert caught.value.field == "measured"
    assert caught.value.message == (
        "5.7 ms at batch 8 is less than the 21.7 ms that the hardware needs; "
        "give the time of a step, not the time divided by the batch"
    )


def test_no_points_are_too_few() -> None:
    with pytest.raises(PlanError, match="1 points are needed, 0 given"):
        fit([], name="none")


def test_an_unknown_calibration_names_those_that_are_known() -> None:
    with pytest.raises(PlanError) as caught:
        find_calibration("guess")
    assert caught.value.message == (
        "'guess' is unknown (known: deepspeed-bloom-176b, gpt-fast-llama-2)"
    )


def _made(truth: Efficiency, *, tensor: int, batches: Sequence[int]) -> list[MeasuredPoint]:
    points = [
        MeasuredPoint(
            placement=place("opt-66b", "h100-80gb", tensor=tensor),
            batch=batch,
            context=500,
            step_seconds=1.0,
        )
        for batch in batches
    ]
    return [replace(point, step_seconds=estimate(point, truth)) for point in points]
