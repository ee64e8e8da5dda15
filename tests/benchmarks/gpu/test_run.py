"""From cases to the page, with a measurer that knows how long everything takes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from benchmarks.decoding import Lengths
from benchmarks.gpu.cases import Case
from benchmarks.gpu.comparison import Step, compare_step
from benchmarks.gpu.options import Options
from benchmarks.gpu.run import Report, run_on_cpu, run_on_gpus
from capacity.calibration import Efficiency, estimate_step
from capacity.gpus import GPUS
from capacity.parallel import Layout, Placement
from capacity.plan import PlanRequest, make_plan
from capacity.roofline import cost_step
from capacity.shapes import SHAPES
from tests.benchmarks.gpu.machines import machine

TRUTH = Efficiency(memory_efficiency=0.8, compute_efficiency=0.5, all_reduce_seconds=20e-6)
LENGTHS = Lengths()
OPTIONS = Options(batches=(1, 32))


class FakeMeasurer:
    """Steps take `seconds` of a case and a batch."""

    def __init__(self, seconds: Callable[[Case, int], float]) -> None:
        self._seconds = seconds

    async def measure(self, case: Case, *, lengths: Lengths) -> dict[int, float]:
        return {batch: self._seconds(case, batch) for batch in case.batches}


def as_the_planner_says(case: Case, batch: int) -> float:
    placement = Placement(
        shape=case.loaded,
        gpu=GPUS["h100-80gb"],
        layout=Layout(tensor_parallel_size=case.tensor_parallel_size),
        dtype=case.dtype,
    )
    return estimate_step(cost_step(placement, batch=batch, context=LENGTHS.context), TRUTH)


async def run(seconds: Callable[[Case, int], float], *, count: int = 1) -> Report:
    return await run_on_gpus(
        OPTIONS, machine(count=count), FakeMeasurer(seconds), where="Here; today."
    )


def cells(report: Report) -> list[list[str]]:
    rows = [line for line in report.text.splitlines() if line.startswith("| opt-")]
    return [row.strip("| ").split(" | ") for row in rows]


async def test_layers_are_scaled_to_the_whole_model() -> None:
    report = await run(as_the_planner_says)

    assert [row[:4] for row in cells(report)] == [
        ["opt-175b", "9", "1", "1"],
        ["opt-175b", "9", "1", "32"],
        ["opt-175b", "18", "1", "1"],
        ["opt-175b", "18", "1", "32"],
        ["opt-175b", "96 (scaled from 9 and 18)", "1", "1"],
        ["opt-175b", "96 (scaled from 9 and 18)", "1", "32"],
        ["opt-13b", "40", "1", "1"],
        ["opt-13b", "40", "1", "32"],
    ]
    whole = Case(shape=SHAPES["opt-175b"], layers=96, tensor_parallel_size=1, batches=(1, 32))
    for row, batch in zip(cells(report)[4:6], whole.batches, strict=True):
        seconds = as_the_planner_says(whole, batch)
        assert row[4] == f"{seconds * 1e3:.2f}"
        assert row[5] == f"{batch / seconds:.0f}"


async def test_the_page_tells_the_factors_that_made_the_points() -> None:
    report = await run(as_the_planner_says, count=2)

    assert report.text.splitlines()[:2] == [
        "Here; today.",
        "Dummy weights, prompts of 128 tokens, 200 tokens in each sequence on average.",
    ]
    assert (
        "The planner's factors fitted to the 10 steps that were run: 80% of the memory's speed, "
        "50% of the tensor cores', 20 µs per all-reduce; worst error 0%."
    ) in report.text.splitlines()
    assert report.is_floor_kept
    assert "No step is faster than the planner's floor." in report.text.splitlines()


async def test_the_planner_is_told_what_to_be_given() -> None:
    report = await run(lambda case, batch: 0.001 * case.layers + 0.0001 * batch + 0.01)

    assert [line for line in report.text.splitlines() if line.startswith("- ")] == [
        "- For the planner, opt-175b on 1 GPUs: `--measured 1=106.1,32=109.2`",
        "- For the planner, opt-13b on 1 GPUs: `--measured 1=50.1,32=53.2`",
    ]


async def test_a_step_below_the_floor_is_named() -> None:
    def too_fast(case: Case, batch: int) -> float:
        share = 0.2 if (case.shape.name, batch) == ("opt-13b", 32) else 1.0
        return share * as_the_planner_says(case, batch)

    report = await run(too_fast)

    assert not report.is_floor_kept
    assert report.text.splitlines()[-4:-3] == [
        "**Faster than the planner's floor, so one of them is wrong: opt-13b at batch 32.**"
    ]


async def test_what_cannot_be_scaled_is_named_and_the_rest_is_kept() -> None:
    def host_bound(case: Case, batch: int) -> float:
        if case.shape.name == "opt-175b" and batch == 1:
            return 0.1
        return as_the_planner_says(case, batch)

    report = await run(host_bound)

    scaled = [row[3] for row in cells(report) if row[1].startswith("96")]
    assert scaled == ["32"]
    assert (
        "Not scaled, since more layers took no longer than fewer: opt-175b on 1 GPUs at batch 1."
    ) in report.text.splitlines()


async def test_the_cpu_is_compared_with_nothing() -> None:
    report = await run_on_cpu(
        OPTIONS, FakeMeasurer(lambda case, batch: 1e-3 * (case.layers + batch))
    )

    assert report.text.splitlines() == [
        "| model | layers | GPUs | batch | ms per token | tokens/s |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
        "| opt-tiny | 2 | 1 | 1 | 3.00 | 333 |",
        "| opt-tiny | 2 | 1 | 32 | 34.00 | 941 |",
        "| opt-tiny | 12 | 1 | 1 | 13.00 | 77 |",
        "| opt-tiny | 12 | 1 | 32 | 44.00 | 727 |",
        "| opt-tiny | 24 (scaled from 2 and 12) | 1 | 1 | 25.00 | 40 |",
        "| opt-tiny | 24 (scaled from 2 and 12) | 1 | 32 | 56.00 | 571 |",
    ]


@pytest.mark.parametrize("batch", [1, 8, 32])
def test_the_planners_own_answer_is_what_is_compared_with(batch: int) -> None:
    plan = make_plan(
        PlanRequest(
            shape=SHAPES["opt-13b"],
            gpu=GPUS["h100-80gb"],
            count=1,
            context=LENGTHS.context,
            batch=batch,
        )
    )
    step = Step(
        shape=SHAPES["opt-13b"],
        tensor_parallel_size=1,
        dtype="float16",
        batch=batch,
        seconds=1.0,
        scaled_from=(),
        is_whole=True,
    )

    compared = compare_step(step, GPUS["h100-80gb"], context=LENGTHS.context)

    assert plan.speed is not None
    assert compared.floor_seconds * 1e3 == pytest.approx(plan.speed.floor_ms)
    assert compared.expected_seconds * 1e3 == pytest.approx(plan.speed.expected_ms)
    at_floor = replace(compared, step=replace(step, seconds=compared.floor_seconds))
    assert not at_floor.is_below_floor
    faster = replace(compared, step=replace(step, seconds=0.97 * compared.floor_seconds))
    assert faster.is_below_floor
