"""Measure every case, compare, and render the result."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.decoding import Lengths
from benchmarks.gpu.cases import TINY_LENGTHS, Case, choose_cases, choose_tiny_cases
from benchmarks.gpu.comparison import compare_step, fit_steps, list_steps
from benchmarks.gpu.machine import GpuMachine
from benchmarks.gpu.measurer import Measurer
from benchmarks.gpu.options import Options
from benchmarks.gpu.table import draw_section, draw_steps


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The result: Markdown, and whether the planner's floor held."""

    text: str
    is_floor_kept: bool


async def run_on_gpus(
    options: Options, machine: GpuMachine, measurer: Measurer, *, where: str
) -> Report:
    """Measure all cases that fit the machine, and compare with the planner's figures."""
    lengths = Lengths()
    cases = choose_cases(options, machine, lengths=lengths)
    steps = list_steps(await _measure(cases, measurer, lengths=lengths))
    rows = [compare_step(step, machine.gpu, context=lengths.context) for step in steps]
    is_floor_kept = not any(row.is_below_floor for row in rows)
    fitted = fit_steps(steps, machine.gpu, context=lengths.context) if is_floor_kept else None
    return Report(
        text=draw_section(rows, where=where, lengths=lengths, fitted=fitted),
        is_floor_kept=is_floor_kept,
    )


async def run_on_cpu(options: Options, measurer: Measurer) -> Report:
    """Run the same code with a tiny shape; the planner has no CPUs, so nothing is compared."""
    results = await _measure(choose_tiny_cases(options), measurer, lengths=TINY_LENGTHS)
    return Report(text=draw_steps(list_steps(results)), is_floor_kept=True)


async def _measure(
    cases: Sequence[Case], measurer: Measurer, *, lengths: Lengths
) -> list[tuple[Case, dict[int, float]]]:
    results = []
    for case in cases:
        print(
            f"  {case.layers} layers of {case.shape.name}, "
            f"tensor_parallel_size {case.tensor_parallel_size}, batches {case.batches}",
            flush=True,
        )
        results.append((case, await measurer.measure(case, lengths=lengths)))
    return results
