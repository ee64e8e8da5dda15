"""A plan for a model on some GPUs.

The command line and the operators' page call the same function.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from capacity.calibration import Calibration, estimate_step
from capacity.energy import CARBON_INTENSITY, Energy, Power, assume_power, count_energy
from capacity.errors import PlanError
from capacity.gpus import Gpu
from capacity.measurements import find_calibration
from capacity.memory import MemoryAssumptions, MemoryPlan, plan_memory
from capacity.parallel import GPUS_PER_HOST, Placement, choose_layout
from capacity.roofline import cost_step
from capacity.shapes import BYTES_PER_ELEMENT, ModelShape

TARGET_MS: Final = 100.0
"""Ten tokens per second for each reader, which is faster than people read."""
STEPS_SHOWN: Final = (1, 8, 32, 128)
"""Batches to show, if they fit, besides the requested one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanRequest:
    """An operator's inputs. `None` means that the planner chooses."""

    shape: ModelShape
    gpu: Gpu
    count: int
    """GPUs per replica."""
    tensor_parallel_size: int | None = None
    pipeline_parallel_size: int | None = None
    gpus_per_host: int = GPUS_PER_HOST
    dtype: str = "float16"
    context: int | None = None
    """Tokens per sequence, prompt and completion; default: the model's maximum."""
    batch: int | None = None
    """Concurrent sequences; default: as many as fit."""
    target_ms: float = TARGET_MS
    power_watts: float | None = None
    carbon_intensity: float = CARBON_INTENSITY
    memory: MemoryAssumptions = field(default_factory=MemoryAssumptions)
    calibration: Calibration = field(default_factory=find_calibration)


@dataclass(frozen=True, slots=True, kw_only=True)
class Speed:
    """A step with `batch` sequences: the roofline's floor, and the calibrated expectation."""

    batch: int
    floor_ms: float
    expected_ms: float
    energy: Energy
    """At the expected speed."""

    @property
    def floor_tokens_per_second(self) -> float:
        """The maximum for any engine, over all sequences."""
        return self.batch / self.floor_ms * 1e3

    @property
    def expected_tokens_per_second(self) -> float:
        return self.batch / self.expected_ms * 1e3


@dataclass(frozen=True, slots=True, kw_only=True)
class Users:
    """Concurrent readers who each get a token within `target_ms`."""

    target_ms: float
    at_best: int
    expected: int
    at_memory: int
    """How many fit in memory, at any speed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """The result. If the model does not fit, there are no speeds and no users."""

    request: PlanRequest
    placement: Placement
    memory: MemoryPlan
    power: Power
    speeds: tuple[Speed, ...]
    """By batch, 1 first; includes the requested batch."""
    batch: int
    users: Users | None

    @property
    def speed(self) -> Speed | None:
        """The speed at the requested batch."""
        return next((speed for speed in self.speeds if speed.batch == self.batch), None)


def make_plan(request: PlanRequest) -> Plan:
    """Make the plan; raises `PlanError` with the field to change if it cannot be made."""
    context = _check_context(request)
    _check_positive(request)
    request.gpu.check_dtype(request.dtype)
    placement = Placement(
        shape=request.shape,
        gpu=request.gpu,
        layout=choose_layout(
            request.shape,
            count=request.count,
            tensor_parallel_size=request.tensor_parallel_size,
            pipeline_parallel_size=request.pipeline_parallel_size,
            gpus_per_host=request.gpus_per_host,
        ),
        dtype=request.dtype,
    )
    memory = plan_memory(placement, context=context, assumptions=request.memory)
    power = assume_power(
        placement, watts=request.power_watts, carbon_intensity=request.carbon_intensity
    )
    batch = _choose_batch(request, memory) if memory.fits else 0
    batches = sorted({size for size in (*STEPS_SHOWN, batch) if 0 < size <= memory.full_sequences})
    return Plan(
        request=request,
        placement=placement,
        memory=memory,
        power=power,
        speeds=tuple(_measure_speeds(request, placement, power, context=context, batches=batches)),
        batch=batch,
        users=_count_users(request, placement, memory) if memory.fits else None,
    )


def _measure_speeds(
    request: PlanRequest,
    placement: Placement,
    power: Power,
    *,
    context: int,
    batches: Iterable[int],
) -> Iterable[Speed]:
    for batch in batches:
        cost = cost_step(placement, batch=batch, context=context)
        seconds = estimate_step(cost, request.calibration.efficiency)
        yield Speed(
            batch=batch,
            floor_ms=cost.floor_seconds * 1e3,
            expected_ms=seconds * 1e3,
            energy=count_energy(power, tokens_per_second=batch / seconds),
        )


def _count_users(request: PlanRequest, placement: Placement, memory: MemoryPlan) -> Users:
    target = request.target_ms / 1e3
    efficiency = request.calibration.efficiency

    def is_at_best_in_time(batch: int) -> bool:
        cost = cost_step(placement, batch=batch, context=memory.context)
        return cost.floor_seconds <= target

    def is_in_time(batch: int) -> bool:
        cost = cost_step(placement, batch=batch, context=memory.context)
        return estimate_step(cost, efficiency) <= target

    return Users(
        target_ms=request.target_ms,
        at_best=_find_largest(memory.full_sequences, is_at_best_in_time),
        expected=_find_largest(memory.full_sequences, is_in_time),
        at_memory=memory.full_sequences,
    )


def _find_largest(most: int, holds: Callable[[int], bool]) -> int:
    """The largest number up to `most` for which `holds` is true, or 0.

    `holds` must be true for all smaller numbers too.
    """
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if holds(middle):
            low = middle
        else:
            high = middle - 1
    return low


def _check_context(request: PlanRequest) -> int:
    longest = request.shape.max_position_embeddings
    context = longest if request.context is None else request.context
    if not 1 <= context <= longest:
        raise PlanError("context", f"must be 1 to {longest} tokens for {request.shape.name}")
    return context


def _check_positive(request: PlanRequest) -> None:
    if request.dtype not in BYTES_PER_ELEMENT:
        raise PlanError("dtype", f"must be one of {', '.join(BYTES_PER_ELEMENT)}")
    if not request.target_ms > 0:
        raise PlanError("target_ms", "must be more than 0")
    if request.power_watts is not None and not request.power_watts > 0:
        raise PlanError("power_watts", "must be more than 0")
    if not request.carbon_intensity >= 0:
        raise PlanError("carbon_intensity", "must be 0 or more")
    if not 0 < request.memory.gpu_memory_utilization <= 1:
        raise PlanError("gpu_memory_utilization", "must be above 0 and at most 1")


def _choose_batch(request: PlanRequest, memory: MemoryPlan) -> int:
    if request.batch is None:
        return memory.full_sequences
    if request.batch < 1:
        raise PlanError("batch", "must be at least 1")
    if request.batch > memory.full_sequences:
        raise PlanError(
            "batch",
            f"{request.batch} sequences of {memory.context} tokens do not fit, "
            f"but {memory.full_sequences} do; lower the batch or the context",
        )
    return request.batch
