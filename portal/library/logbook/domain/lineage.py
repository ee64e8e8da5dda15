"""The drawing of a family of runs: a bar for each, over time, and where one continues another."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import EntryKind
from portal.library.logbook.models import Entry, Run

WIDTH: Final = 1000.0
INSET: Final = 12.0
ROW_HEIGHT: Final = 22
BAR_HEIGHT: Final = 8
SHORTEST: Final = 3.0


@dataclass(frozen=True)
class Bar:
    """A run; lengths in the drawing's units. `link_y` is its parent's row, None without one."""

    run: Run
    number: int
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
    def bottom(self) -> int:
        return self.y + BAR_HEIGHT // 2


@dataclass(frozen=True)
class Lineage:
    """All runs of a family, in the order of their starts."""

    bars: Sequence[Bar]
    height: int
    width: float = WIDTH
    bar_height: int = BAR_HEIGHT


def draw_lineage(line: Line) -> Lineage:
    """Draw the family; a run without an end lasts to the last end or start that is known.

    Entries of restarts within a run are ticks on its bar.
    """
    runs = sorted(line.family, key=lambda run: (run.started_at, run.pk))
    last = max(run.ended_at or run.started_at for run in runs)
    first = runs[0].started_at
    scale = (WIDTH - 2 * INSET) / max((last - first).total_seconds(), 1.0)

    def place(at: datetime) -> float:
        inside = min(max((at - first).total_seconds(), 0.0), (last - first).total_seconds())
        return round(INSET + inside * scale, 1)

    restarts: dict[int, set[float]] = {}
    happened = Entry.objects.filter(run__in=runs, kind=EntryKind.RESTART)
    for run_pk, at in happened.values_list("run", "at"):
        restarts.setdefault(run_pk, set()).add(float(round(place(at))))
    rows = {run.pk: ROW_HEIGHT * number + ROW_HEIGHT // 2 for number, run in enumerate(runs)}
    on_line = {segment.run.pk for segment in line.segments}
    bars = [
        Bar(
            run,
            number=number,
            x=place(run.started_at),
            y=rows[run.pk],
            width=max(SHORTEST, round(place(run.ended_at or last) - place(run.started_at), 1)),
            link_y=None if run.parent_id is None else rows[run.parent_id],
            restarts=sorted(restarts.get(run.pk, ())),
            is_shown=run.pk == line.run.pk,
            is_on_line=run.pk in on_line,
        )
        for number, run in enumerate(runs, 1)
    ]
    return Lineage(bars, height=ROW_HEIGHT * len(runs))
