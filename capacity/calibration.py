"""The expected speed: the roofline's parts, each with a factor fitted to measured points.

    step = memory / memory_efficiency + compute / compute_efficiency
           + transfer + all_reduces x all_reduce_seconds

This is a sum, not the roofline's maximum: kernels overlap badly, and with the sum, two numbers
describe the published times for batches from 1 to 128. `fit` fits only the factors that the points
determine, and takes the others from `ASSUMED`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.errors import PlanError
from capacity.linear import solve_least_squares
from capacity.parallel import Placement
from capacity.roofline import StepCost, cost_step

BELOW_FLOOR_TOLERANCE: Final = 0.98
"""Published figures are rounded, so a point may be this far below the floor."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Efficiency:
    """How well an engine uses the hardware."""

    memory_efficiency: float
    """Share of the data sheet's memory bandwidth, above 0 and up to 1."""
    compute_efficiency: float
    """The same for the tensor cores."""
    all_reduce_seconds: float
    """Latency of one all-reduce, including the host's work for it."""


ASSUMED: Final = Efficiency(
    memory_efficiency=0.75, compute_efficiency=0.45, all_reduce_seconds=30e-6
)
"""For factors that the points do not determine. Memory and latency are fitted to gpt-fast's
published points and compute to DeepSpeed's, both in `capacity.measurements`; a test checks this."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasuredPoint:
    """One measurement: the time of a step that gave one token to each of `batch` sequences."""

    placement: Placement
    batch: int
    context: int
    """Tokens per sequence, averaged over the measurement."""
    step_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Calibration:
    """Fitted factors and how well they fit."""

    name: str
    efficiency: Efficiency
    points: int
    worst_error: float
    """The largest relative error of an estimate among the fitted points."""


def estimate_step(cost: StepCost, efficiency: Efficiency) -> float:
    """Seconds of one step; never less than the roofline's floor."""
    return (
        cost.memory_seconds / efficiency.memory_efficiency
        + cost.compute_seconds / efficiency.compute_efficiency
        + cost.transfer_seconds
        + cost.all_reduces * efficiency.all_reduce_seconds
    )


def fit(points: Sequence[MeasuredPoint], *, name: str) -> Calibration:
    """Least squares of the relative errors.

    Latency is fitted if any point is tensor-parallel, compute if batches differ, and memory if the
    number of ranks differs or is 1. A factor that would be better than the hardware is set to the
    hardware's value, and the others, including memory, are fitted again.

    Raises `PlanError` for the field `measured` if there are too few points, or if a point is faster
    than its GPUs allow.
    """
    costs = [
        cost_step(point.placement, batch=point.batch, context=point.context) for point in points
    ]
    _check(points, costs)
    factors = _fit_factors(points, costs)
    efficiency = Efficiency(
        memory_efficiency=1 / factors["memory"],
        compute_efficiency=1 / factors["compute"],
        all_reduce_seconds=factors["all_reduce"],
    )
    errors = [
        abs(estimate_step(cost, efficiency) / point.step_seconds - 1)
        for point, cost in zip(points, costs, strict=True)
    ]
    return Calibration(
        name=name, efficiency=efficiency, points=len(points), worst_error=max(errors)
    )


_LOWEST: Final = {"memory": 1.0, "compute": 1.0, "all_reduce": 0.0}
"""No factor is better than the hardware."""


def _fit_factors(points: Sequence[MeasuredPoint], costs: Sequence[StepCost]) -> Mapping[str, float]:
    known = {
        "memory": 1 / ASSUMED.memory_efficiency,
        "compute": 1 / ASSUMED.compute_efficiency,
        "all_reduce": ASSUMED.all_reduce_seconds,
    }
    unknown = _choose_unknown(points, costs)
    settled = set(unknown)
    while unknown:
        found = _solve(points, costs, known=known, unknown=unknown)
        impossible = [name for name in unknown if found[name] < _LOWEST[name]]
        if not impossible:
            return {**known, **found}
        for name in impossible:
            known[name] = _LOWEST[name]
            unknown.remove(name)
        if "memory" not in unknown and "memory" not in settled:
            # Memory must explain the time that arithmetic and latency do not.
            unknown.append("memory")
        settled.update(unknown, impossible)
    return known


def _choose_unknown(points: Sequence[MeasuredPoint], costs: Sequence[StepCost]) -> list[str]:
    ranks = {point.placement.layout.tensor_parallel_size for point in points}
    unknown = []
    if len(ranks) > 1 or ranks == {1}:
        unknown.append("memory")
    if len({cost.compute_seconds for cost in costs}) > 1:
        unknown.append("compute")
    if ranks != {1}:
        unknown.append("all_reduce")
    return unknown


def _solve(
    points: Sequence[MeasuredPoint],
    costs: Sequence[StepCost],
    *,
    known: Mapping[str, float],
    unknown: Sequence[str],
) -> dict[str, float]:
    rows, targets = [], []
    for point, cost in zip(points, costs, strict=True):
        columns = _columns(cost)
        fixed = sum(columns[name] * known[name] for name in columns if name not in unknown)
        rows.append([columns[name] / point.step_seconds for name in unknown])
        targets.append((point.step_seconds - cost.transfer_seconds - fixed) / point.step_seconds)
    return dict(zip(unknown, solve_least_squares(rows, targets), strict=True))


def _columns(cost: StepCost) -> dict[str, float]:
    return {
        "memory": cost.memory_seconds,
        "compute": cost.compute_seconds,
        "all_reduce": float(cost.all_reduces),
    }


def _check(points: Sequence[MeasuredPoint], costs: Sequence[StepCost]) -> None:
    needed = len(_choose_unknown(points, costs)) if points else 1
    if len(points) < needed:
        raise PlanError("measured", f"{needed} points are needed, {len(points)} given")
    for point, cost in zip(points, costs, strict=True):
        if point.step_seconds < BELOW_FLOOR_TOLERANCE * cost.floor_seconds:
            raise PlanError(
                "measured",
                f"{point.step_seconds * 1e3:g} ms at batch {point.batch} is less than the "
                f"{cost.floor_seconds * 1e3:.3g} ms that the hardware needs; give the time of a "
                "step, not the time divided by the batch",
            )
