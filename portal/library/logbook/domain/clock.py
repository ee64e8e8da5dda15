"""Which step, token count and time belong together in a line of runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from math import ceil, floor

import numpy as np

from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import Axis
from portal.library.logbook.models import Block, Series
from portal.library.logbook.points import COLUMN, VALUE, Points

ROUNDING = 1e-6
ENDS = ("first", "last")


LOWEST, HIGHEST = 0, 2**53
"""The ends of a span that is open there."""


@dataclass(frozen=True)
class Span:
    """A part of an axis, both ends included; time in microseconds since 1970."""

    low: int
    high: int


@dataclass(frozen=True)
class Clock:
    """Rows of step, tokens and time that rise together, at the ends of blocks."""

    marks: Points
    axes: frozenset[Axis]

    def convert(self, place: float, *, by: Axis, to: Axis) -> float | None:
        """The place on another axis, interpolated; None outside what was recorded."""
        if not {by, to} <= self.axes:
            return None
        known, wanted = self.marks[:, COLUMN[by]], self.marks[:, COLUMN[to]]
        found = float(np.interp(place, known, wanted, left=np.nan, right=np.nan))
        return None if np.isnan(found) else found

    def convert_span(self, span: Span, *, by: Axis, to: Axis) -> Span | None:
        """The whole numbers of another axis inside the span; what is not recorded is cut off."""
        extent = self.extent(by)
        if extent is None or span.low > extent.high or span.high < extent.low:
            return None
        low = self.convert(max(span.low, extent.low), by=by, to=to)
        high = self.convert(min(span.high, extent.high), by=by, to=to)
        return None if low is None or high is None else _find_whole(low, high)

    def extent(self, axis: Axis) -> Span | None:
        if axis not in self.axes:
            return None
        column = self.marks[:, COLUMN[axis]]
        return Span(int(column[0]), int(column[-1]))


def _find_whole(low: float, high: float) -> Span:
    # Interpolation may miss a whole number by a little.
    return Span(ceil(low - ROUNDING), floor(high + ROUNDING))


def read_clock(line: Line) -> Clock:
    """The clock by the fullest metric of each run, in one query."""
    chosen = list(_choose_series(line))
    ends = [f"{end}_{axis}" for end in ENDS for axis in Axis]
    rows = (
        Block.objects.filter(line.blocks, series__in=chosen)
        .order_by("series__run__started_at", "series__run", "number")
        .values_list(*ends)
    )
    marks = np.array(list(rows) if chosen else [], dtype=np.float64).reshape(-1, VALUE)
    axes = [axis for axis in Axis if len(marks) and all(series.has_axis(axis) for series in chosen)]
    # The last block of a run that was left reaches beyond the step where the next one begins.
    falling = np.minimum.accumulate(marks[::-1], axis=0)[::-1]
    return Clock(falling, frozenset(axes))


def _choose_series(line: Line) -> Iterator[Series]:
    for segment in line.segments:
        own = [series for series in line.series if series.run_id == segment.run.pk]
        if own:
            yield max(own, key=lambda one: (one.has_tokens + one.has_time, one.count, one.name))
