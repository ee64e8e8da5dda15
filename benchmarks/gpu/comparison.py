"""Measured steps compared with the planner's floor and expectation."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from benchmarks.gpu.cases import Case
from benchmarks.gpu.scaling import separate
from capacity.calibration import (
    BELOW_FLOOR_TOLERANCE,
    Calibration,
    MeasuredPoint,
    estimate_step,
    fit,
)
from capacity.gpus import Gpu
from capacity.measurements import find_calibration
from capacity.parallel import Layout, Placement
from capacity.roofline import StepCost, cost_step
from capacity.shapes import ModelShape


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step's time, with the layers that were run, or scaled to the whole model."""

    shape: ModelShape
    tensor_parallel_size: int
    dtype: str
    batch: int
    seconds: float
    scaled_from: tuple[int, ...]
    """The layer counts that the time is scaled from; empty if it was measured."""
    is_whole: bool
    """Whether this is the whole model."""

    @property
    def tokens_per_second(self) -> float:
        return self.batch / self.seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A step, and the planner's figures for it in seconds."""

    step: Step
    floor_seconds: float
    expected_seconds: float

    @property
    def over_floor(self) -> float:
        return self.step.seconds / self.floor_seconds

    @property
    def over_expected(self) -> float:
        return self.step.seconds / self.expected_seconds

    @property
    def is_below_floor(self) -> bool:
        """Whether the planner's floor or the measurement must be wrong."""
        return self.over_floor < BELOW_FLOOR_TOLERANCE


def list_steps(results: Sequence[tuple[Case, dict[int, float]]]) -> list[Step]:
    """The measured steps in the order of the cases; after two cuts of a model, the scaled steps."""
    steps: list[Step] = []
    for index, (case, seconds) in enumerate(results):
        steps += [
            _make_step(case, case.loaded, batch=batch, seconds=taken)
            for batch, taken in seconds.items()
        ]
        if index and _are_cuts_of_one(results[index - 1][0], case):
            steps += _scale(results[index - 1], (case, seconds))
    return steps


def list_unscaled(steps: Sequence[Step]) -> list[Step]:
    """The steps with the most layers of a model that could not be scaled to all layers."""
    largest = {_identify(step): step for step in steps}
    return [step for step in largest.values() if not step.is_whole]


def compare_step(
    step: Step, gpu: Gpu, *, context: int, calibration: Calibration | None = None
) -> Compared:
    """Compare with the functions that the planner's page and command line use."""
    cost = _cost(step, gpu, context=context)
    efficiency = (calibration or find_calibration()).efficiency
    return Compared(
        step=step,
        floor_seconds=cost.floor_seconds,
        expected_seconds=estimate_step(cost, efficiency),
    )


def fit_steps(steps: Iterable[Step], gpu: Gpu, *, context: int) -> Calibration:
    """A calibration from the measured steps; raises `PlanError` if one is below the floor."""
    points = [
        MeasuredPoint(
            placement=_place(step, gpu),
            batch=step.batch,
            context=context,
            step_seconds=step.seconds,
        )
        for step in steps
        if not step.scaled_from
    ]
    return fit(points, name="this machine")


def _cost(step: Step, gpu: Gpu, *, context: int) -> StepCost:
    return cost_step(_place(step, gpu), batch=step.batch, context=context)


def _place(step: Step, gpu: Gpu) -> Placement:
    layout = Layout(tensor_parallel_size=step.tensor_parallel_size)
    return Placement(shape=step.shape, gpu=gpu, layout=layout, dtype=step.dtype)


def _are_cuts_of_one(first: Case, second: Case) -> bool:
    return (first.shape, first.tensor_parallel_size) == (
        second.shape,
        second.tensor_parallel_size,
    ) and first.layers < second.layers


def _scale(fewer: tuple[Case, dict[int, float]], more: tuple[Case, dict[int, float]]) -> list[Step]:
    (few, few_seconds), (many, many_seconds) = fewer, more
    steps = []
    for batch in many.batches:
        time = separate((few.layers, few_seconds[batch]), (many.layers, many_seconds[batch]))
        if time is None:
            continue
        steps.append(
            _make_step(
                many,
                many.shape,
                batch=batch,
                seconds=time.scale(many.shape.num_hidden_layers),
                scaled_from=(few.layers, many.layers),
            )
        )
    return steps


def _identify(step: Step) -> tuple[str, int, int]:
    return step.shape.name, step.tensor_parallel_size, step.batch


def _make_step(
    case: Case,
    shape: ModelShape,
    *,
    batch: int,
    seconds: float,
    scaled_from: tuple[int, ...] = (),
) -> Step:
    return Step(
        shape=shape,
        tensor_parallel_size=case.tensor_parallel_size,
        dtype=case.dtype,
        batch=batch,
        seconds=seconds,
        scaled_from=scaled_from,
        is_whole=shape == case.shape,
    )
