"""Plans as tables for a terminal."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import isfinite

from capacity.calibration import Calibration
from capacity.energy import TDP_SHARE, TRAINING_TONNES, Power
from capacity.fits import COUNTS
from capacity.gpus import Gpu
from capacity.memory import ENGINE_RESERVE_BYTES, GIB, PUBLISHED_RESERVE_BYTES
from capacity.parallel import Layout, Placement
from capacity.plan import Plan, PlanRequest, Speed

GIGA = 1e9
GAP = "  "


def draw_plan(plan: Plan) -> str:
    """One complete plan, with its assumptions last."""
    parts = [_draw_title(plan.placement), _draw_memory(plan)]
    if plan.users:
        parts += [_draw_speeds(plan), _draw_users(plan)]
    return "\n\n".join([*parts, _draw_assumptions(plan)])


def draw_fits(plans: Sequence[Plan], request: PlanRequest, *, gpus: Iterable[Gpu]) -> str:
    """One line for each layout that fits, then the GPUs that never fit."""
    context = request.context or request.shape.max_position_embeddings
    title = f"{request.shape.name}, {request.dtype}, sequences of {context:,} tokens"
    fitting = {plan.placement.gpu.slug for plan in plans}
    never = [gpu.slug for gpu in gpus if gpu.slug not in fitting]
    rows = [
        [
            plan.placement.gpu.slug,
            str(plan.placement.layout.count),
            _draw_layout(plan.placement.layout),
            f"{plan.memory.kv_slots:,}",
            f"{plan.memory.full_sequences:,}",
            _draw_ms(plan.speeds[0].floor_ms),
            _draw_ms(plan.speeds[0].expected_ms),
        ]
        for plan in plans
    ]
    head = ["GPU", "count", "TP x PP", "KV slots", "sequences", "floor ms", "expected ms"]
    lines = [title, "", *_align([head, *rows])] if rows else [title]
    if rows:
        lines += ["", "Times are per token at batch 1."]
    if never:
        lines += ["", f"Does not fit on up to {COUNTS[-1]} of: {', '.join(never)}"]
    return "\n".join(lines)


def _draw_title(placement: Placement) -> str:
    layout = placement.layout
    return (
        f"{placement.shape.name} ({placement.shape.parameters / GIGA:.1f} B parameters) in "
        f"{placement.dtype} on {layout.count} x {placement.gpu.name}\n"
        f"tensor parallel {layout.tensor_parallel_size}, "
        f"pipeline parallel {layout.pipeline_parallel_size}"
    )


def _draw_memory(plan: Plan) -> str:
    memory = plan.memory
    rows = [
        ["weights", f"{memory.weight_bytes / GIGA:.1f} GB ({memory.weight_bytes / GIB:.1f} GiB)"],
        ["  on the fullest GPU", f"{memory.weight_bytes_per_gpu / GIB:.1f} GiB"],
        ["  of usable", f"{memory.usable_bytes_per_gpu / GIB:.1f} GiB"],
        ["room for keys and values", f"{memory.kv_bytes / GIB:.1f} GiB"],
        ["  of one token", f"{memory.kv_bytes_per_token / 1e6:.2f} MB"],
        ["KV slots", f"{memory.kv_slots:,} tokens"],
        ["full-length sequences", f"{memory.full_sequences:,} of {memory.context:,} tokens"],
    ]
    verdict = "fits" if memory.fits else f"does not fit. {memory.why_not}"
    return "\n".join([f"Memory: {verdict}", *_align(rows, left=2)])


def _draw_speeds(plan: Plan) -> str:
    head = ["batch", "floor", "expected", "at most", "expected", "energy", "carbon"]
    units = ["", "ms/token", "ms/token", "tokens/s", "tokens/s", "kWh/1000", "g CO2e/1000"]
    rows = [head, units, *(_speed_row(speed) for speed in plan.speeds)]
    title = f"Speed and energy with {plan.memory.context:,} tokens per sequence"
    return "\n".join([title, *_align(rows, left=0)])


def _speed_row(speed: Speed) -> list[str]:
    return [
        f"{speed.batch:,}",
        _draw_ms(speed.floor_ms),
        _draw_ms(speed.expected_ms),
        f"{speed.floor_tokens_per_second:,.0f}",
        f"{speed.expected_tokens_per_second:,.0f}",
        f"{speed.energy.kwh_per_1000_tokens:.4f}",
        f"{speed.energy.grams_co2e_per_1000_tokens:.2f}",
    ]


def _draw_users(plan: Plan) -> str:
    users, speed = plan.users, plan.speed
    if users is None or speed is None:
        return ""
    served = (
        f"Concurrent users at {users.target_ms:g} ms per token: {users.expected:,} expected, "
        f"{users.at_best:,} at best ({users.at_memory:,} fit)"
    )
    tokens = speed.energy.tokens_like_training
    if not isfinite(tokens):
        return served
    return (
        f"{served}\nEmissions reach those of training, {TRAINING_TONNES:g} t CO2e, after "
        f"{tokens / GIGA:,.1f} billion tokens at batch {speed.batch}"
    )


def _draw_assumptions(plan: Plan) -> str:
    lines = [
        _explain_memory(plan.request),
        f"floor: the longest of reading, arithmetic, sending; by the {plan.placement.gpu.source}",
        _explain_calibration(plan.request.calibration),
        _explain_power(plan.power),
    ]
    if plan.placement.layout.crosses_hosts:
        lines.append(
            "network: tensor parallelism across hosts is calculated at the speed inside one host; "
            "expect longer times, or use pipeline stages across hosts"
        )
    return "\n".join(["Assumptions", *(GAP + line for line in lines)])


def _explain_memory(request: PlanRequest) -> str:
    assumed = (
        f"memory: {request.memory.gpu_memory_utilization:g} of each GPU is the engine's; "
        f"{request.memory.reserve_bytes_per_gpu / GIB:g} GiB of it are reserved"
    )
    if request.memory.reserve_bytes_per_gpu != PUBLISHED_RESERVE_BYTES:
        return assumed
    return (
        f"{assumed}, as in published figures;\n{2 * GAP}an engine may reserve "
        f"{ENGINE_RESERVE_BYTES / GIB:g} GiB, as `check` does "
        f"(--reserve-gib {ENGINE_RESERVE_BYTES / GIB:g})"
    )


def _explain_calibration(calibration: Calibration) -> str:
    efficiency = calibration.efficiency
    return (
        f"expected: {calibration.name} ({calibration.points} points, reproduced within "
        f"{calibration.worst_error:.1%}): memory at {efficiency.memory_efficiency:.0%}, "
        f"arithmetic at {efficiency.compute_efficiency:.0%}, "
        f"{efficiency.all_reduce_seconds * 1e6:.0f} us per all-reduce"
    )


def _explain_power(power: Power) -> str:
    how = "measured" if power.is_measured else f"assumed, {TDP_SHARE:.0%} of the rated power"
    return (
        f"power: {power.watts:,.0f} W {how}; x {power.power_usage_effectiveness:g} for the "
        f"data centre; {power.carbon_intensity:g} g CO2e per kWh"
    )


def _draw_layout(layout: Layout) -> str:
    return f"{layout.tensor_parallel_size} x {layout.pipeline_parallel_size}"


def _draw_ms(milliseconds: float) -> str:
    return f"{milliseconds:.1f}" if milliseconds >= 1 else f"{milliseconds:.2g}"


def _align(rows: Sequence[Sequence[str]], *, left: int = 1) -> list[str]:
    """Columns of equal width, of which the first `left` are aligned left."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    return [
        GAP
        + GAP.join(
            cell.ljust(width) if column < left else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
