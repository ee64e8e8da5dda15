"""The measurement as Markdown."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from benchmarks.decoding import Lengths
from benchmarks.gpu.comparison import Compared, Step, list_unscaled
from capacity.calibration import Calibration

HEAD = (
    "model", "layers", "GPUs", "batch", "ms per token", "tokens/s",
    "floor, ms", "of floor", "expected, ms", "of expected",
)  # fmt: skip
STEPS_HEAD = HEAD[:6]


def draw_compared(rows: Sequence[Compared]) -> str:
    """A row for each step; `of floor` and `of expected` are the measured time divided by each."""
    return _draw(HEAD, [[*_draw_step(row.step), *_draw_comparison(row)] for row in rows])


def draw_steps(steps: Sequence[Step]) -> str:
    """The same without the planner's columns, since it has no CPUs."""
    return _draw(STEPS_HEAD, [_draw_step(step) for step in steps])


def draw_section(
    rows: Sequence[Compared], *, where: str, lengths: Lengths, fitted: Calibration | None
) -> str:
    """The machine, the table, and the conclusions."""
    how = (
        f"Dummy weights, prompts of {lengths.prompt} tokens, {lengths.context} tokens in each "
        "sequence on average."
    )
    return "\n".join(
        [
            where,
            how,
            "",
            draw_compared(rows),
            "",
            describe_floor(rows),
            *describe_unscaled([row.step for row in rows]),
            *([describe_fit(fitted)] if fitted else []),
            *describe_measured(rows),
        ]
    )


def describe_floor(rows: Sequence[Compared]) -> str:
    """Whether the floor held."""
    below = [row.step for row in rows if row.is_below_floor]
    if not below:
        return "No step is faster than the planner's floor."
    names = ", ".join(f"{step.shape.name} at batch {step.batch}" for step in below)
    return f"**Faster than the planner's floor, so one of them is wrong: {names}.**"


def describe_unscaled(steps: Sequence[Step]) -> list[str]:
    """A sentence about the steps that could not be scaled; empty if all could."""
    missing = list_unscaled(steps)
    if not missing:
        return []
    names = ", ".join(
        f"{step.shape.name} on {step.tensor_parallel_size} GPUs at batch {step.batch}"
        for step in missing
    )
    return [f"Not scaled, since more layers took no longer than fewer: {names}."]


def describe_fit(fitted: Calibration) -> str:
    """The planner's factors, fitted to this machine."""
    efficiency = fitted.efficiency
    return (
        f"The planner's factors fitted to the {fitted.points} steps that were run: "
        f"{efficiency.memory_efficiency:.0%} of the memory's speed, "
        f"{efficiency.compute_efficiency:.0%} of the tensor cores', "
        f"{efficiency.all_reduce_seconds * 1e6:.0f} µs per all-reduce; "
        f"worst error {fitted.worst_error:.0%}."
    )


def describe_measured(rows: Sequence[Compared]) -> list[str]:
    """The planner's option `--measured` for every whole model, as a bullet list."""
    whole = [row.step for row in rows if row.step.is_whole]
    lines = []
    for (name, size), steps in groupby(whole, key=lambda s: (s.shape.name, s.tensor_parallel_size)):
        points = ",".join(f"{step.batch}={step.seconds * 1e3:.4g}" for step in steps)
        lines.append(f"- For the planner, {name} on {size} GPUs: `--measured {points}`")
    return ["", *lines] if lines else []


def _draw_step(step: Step) -> list[str]:
    layers = str(step.shape.num_hidden_layers)
    if step.scaled_from:
        layers += f" (scaled from {' and '.join(str(count) for count in step.scaled_from)})"
    return [
        step.shape.name,
        layers,
        str(step.tensor_parallel_size),
        str(step.batch),
        f"{step.seconds * 1e3:.2f}",
        f"{step.tokens_per_second:.0f}",
    ]


def _draw_comparison(row: Compared) -> list[str]:
    return [
        f"{row.floor_seconds * 1e3:.2f}",
        f"{row.over_floor:.2f}",
        f"{row.expected_seconds * 1e3:.2f}",
        f"{row.over_expected:.2f}",
    ]


def _draw(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    ruler = ["---", *["---:"] * (len(head) - 1)]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (head, ruler, *rows))
