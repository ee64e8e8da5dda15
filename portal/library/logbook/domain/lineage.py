"""The drawing of a family of runs: a bar for each, and where one continues another."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from django.db.models import Max

from portal.library.logbook.domain.clock import Span
from portal.library.logbook.domain.entries import read_microseconds
from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import Axis, EntryKind
from portal.library.logbook.models import Block, Entry, Run

WIDTH: Final = 1000.0
INSET: Final = 12.0
ROW_HEIGHT: Final = 22
BAR_HEIGHT: Final = 8
SHORTEST: Final = 3.0
FEW: Final = 8
"""Runs that a page lists without being asked."""


@dataclass(frozen=True)
class Bar:
    """A run; lengths in the drawing's units. `link_y` is its parent's row, None without one."""

    run: Run
    x: float
    y: int
    width: float
    link_y: int | None
    restarts: Sequence[float]
    is_shown: bool
    is_on_line: bool

    @property
    def top(self) -> int:
        return self.y - BAR_HEIGHT // 2

    @property
    def ticks(self) -> str:
        """The restarts as one path: there may be a thousand."""
        return "".join(f"M{x:g} {self.top}v{BAR_HEIGHT}" for x in self.restarts)


@dataclass(frozen=True)
class Lineage:
    """All runs of a family, in the order of their starts, over steps or, without these, time."""

    bars: Sequence[Bar]
    axis: Axis
    width: float = WIDTH
    bar_height: int = BAR_HEIGHT

    @property
    def is_long(self) -> bool:
        return len(self.bars) > FEW

    @property
    def height(self) -> int:
        return ROW_HEIGHT * len(self.bars)


def draw_lineage(line: Line) -> Lineage:
    """Draw the family over steps if all of its runs have values, and otherwise over time.

    Entries of restarts within a run are ticks on its bar.
    """
    runs = sorted(line.family, key=lambda run: (run.started_at, run.pk))
    last_steps = _read_last_steps(runs)
    axis = Axis.STEP if len(last_steps) == len(runs) else Axis.TIME
    spans = _span_steps(runs, last_steps) if axis is Axis.STEP else _span_times(runs)
    draw = _build_scale(spans)
    restarts = _list_restarts(runs, axis, draw)
    rows = {run.pk: ROW_HEIGHT * number + ROW_HEIGHT // 2 for number, run in enumerate(runs)}
    on_line = {segment.run.pk for segment in line.segments}
    bars = [
        Bar(
            run,
            x=draw(spans[run.pk].low),
            y=rows[run.pk],
            width=max(SHORTEST, round(draw(spans[run.pk].high) - draw(spans[run.pk].low), 1)),
            link_y=None if run.parent_id is None else rows[run.parent_id],
            restarts=sorted(restarts.get(run.pk, ())),
            is_shown=run.pk == line.run.pk,
            is_on_line=run.pk in on_line,
        )
        for run in runs
    ]
    return Lineage(bars, axis)


def _read_last_steps(runs: Sequence[Run]) -> dict[int, int]:
    blocks = Block.objects.filter(series__run__in=runs).values_list("series__run")
    return dict(blocks.annotate(Max("last_step")).order_by())


def _span_steps(runs: Sequence[Run], last_steps: Mapping[int, int]) -> dict[int, Span]:
    return {run.pk: Span(run.from_step or 0, last_steps[run.pk]) for run in runs}


def _span_times(runs: Sequence[Run]) -> dict[int, Span]:
    """A run without an end lasts to the last start or end that is known."""
    last = max(run.ended_at or run.started_at for run in runs)
    return {
        run.pk: Span(read_microseconds(run.started_at), read_microseconds(run.ended_at or last))
        for run in runs
    }


def _build_scale(spans: Mapping[int, Span]) -> Callable[[float], float]:
    """From a place on the axis to the drawing's units; what is outside is at an end."""
    low = min(span.low for span in spans.values())
    high = max(span.high for span in spans.values())
    scale = (WIDTH - 2 * INSET) / max(high - low, 1)
    return lambda place: round(INSET + (min(max(place, low), high) - low) * scale, 1)


def _list_restarts(
    runs: Sequence[Run], axis: Axis, draw: Callable[[float], float]
) -> dict[int, set[float]]:
    """The ticks of each run, as many as can be distinguished."""
    entries = Entry.objects.filter(run__in=runs, kind=EntryKind.RESTART)
    found: dict[int, set[float]] = {}
    for run, at, step in entries.values_list("run", "at", "step").order_by():
        place = step if axis is Axis.STEP else read_microseconds(at)
        if place is not None:
            found.setdefault(run, set()).add(float(round(draw(place))))
    return found
