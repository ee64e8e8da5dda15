"""The metrics of a line of runs, thinned for a chart."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Final, NamedTuple

import numpy as np

from portal.library.logbook.domain.clock import Span
from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import Axis
from portal.library.logbook.models import Block, Series
from portal.library.logbook.points import (
    COLUMN,
    VALUE,
    Points,
    read_outlines,
    read_points,
    thin,
)

FEW_BLOCKS: Final = 48
"""Of one metric: so many are read whole, more as their outlines."""
GROUPS: Final = 250
TABLE_GROUPS: Final = 12


class Row(NamedTuple):
    """A part of a curve as the table shows it."""

    low_place: int
    high_place: int
    lowest: float
    highest: float
    last: float


@dataclass(frozen=True)
class Curve:
    """A metric in a span, thinned; `count` is the number of its values there."""

    name: str
    unit: str
    count: int
    points: Points
    axis: Axis

    @property
    def places(self) -> list[int]:
        return [int(place) for place in self.points[:, COLUMN[self.axis]]]

    @property
    def values(self) -> list[float | None]:
        """The values; None for one that is not finite."""
        return [float(value) if np.isfinite(value) else None for value in self.points[:, VALUE]]

    def list_rows(self) -> Iterator[Row]:
        """The curve as a table; the lowest and highest value of a row are exact."""
        for part in np.array_split(self.points, min(TABLE_GROUPS, len(self.points))):
            places, values = part[:, COLUMN[self.axis]], part[:, VALUE]
            finite = values[np.isfinite(values)]
            low, high = (finite.min(), finite.max()) if len(finite) else (np.nan, np.nan)
            yield Row(int(places[0]), int(places[-1]), float(low), float(high), float(values[-1]))


class _Outline(NamedTuple):
    series: int
    pk: int
    values: int
    low: int
    high: int
    last_step: int
    outline: bytes


@dataclass(frozen=True)
class _Cut:
    """The part of a series to show: its span of the axis, and its last step."""

    axis: Axis
    span: Span | None
    until: int | None

    def holds(self, block: _Outline) -> bool:
        """Whether the whole block is inside."""
        is_inside = self.span is None or self.span.low <= block.low <= block.high <= self.span.high
        return is_inside and (self.until is None or block.last_step <= self.until)

    def apply(self, points: Points) -> Points:
        is_inside = np.ones(len(points), dtype=bool)
        if self.span is not None:
            places = points[:, COLUMN[self.axis]]
            is_inside &= (places >= self.span.low) & (places <= self.span.high)
        if self.until is not None:
            is_inside &= points[:, COLUMN[Axis.STEP]] <= self.until
        return points[is_inside]


def read_curves(line: Line, *, axis: Axis, span: Span | None = None) -> list[Curve]:
    """The metrics that were recorded over this axis, by name, in two queries.

    A metric with many blocks is made from their outlines. Blocks that are only partly inside the
    span, or in the line, are read whole, so that no value beyond its ends counts.
    """
    series = [one for one in line.series if one.has_axis(axis)]
    cuts = {
        one.pk: _Cut(axis, span, segment.until_step)
        for segment in line.segments
        for one in series
        if one.run_id == segment.run.pk
    }
    outlines = _read_outlines(line, series, axis, span)
    whole = _read_whole(pk for key, blocks in outlines.items() for pk in _choose(blocks, cuts[key]))
    curves = []
    for name in dict.fromkeys(one.name for one in series):
        own = [one for one in line.oldest_first(series) if one.name == name]
        parts = [
            part for one in own for part in _join(outlines.get(one.pk, []), whole, cuts[one.pk])
        ]
        count = sum(values for values, _ in parts)
        if count:
            points = thin(np.concatenate([part for _, part in parts]), groups=GROUPS)
            curves.append(Curve(name, own[-1].unit, count, points, axis))
    return curves


def _read_outlines(
    line: Line, series: Sequence[Series], axis: Axis, span: Span | None
) -> dict[int, list[_Outline]]:
    blocks = Block.objects.filter(line.blocks, series__in=series).order_by("series", "number")
    if span is not None:
        blocks = blocks.filter(**{f"last_{axis}__gte": span.low, f"first_{axis}__lte": span.high})
    columns = "series", "pk", "count", f"first_{axis}", f"last_{axis}", "last_step", "outline"
    found: dict[int, list[_Outline]] = {}
    for row in blocks.values_list(*columns):
        found.setdefault(row[0], []).append(_Outline._make(row))
    return found


def _choose(blocks: Sequence[_Outline], cut: _Cut) -> list[int]:
    """The blocks to read whole."""
    is_few = len(blocks) <= FEW_BLOCKS
    return [block.pk for block in blocks if is_few or not cut.holds(block)]


def _read_whole(blocks: Iterator[int]) -> dict[int, Points]:
    rows = Block.objects.filter(pk__in=list(blocks)).values_list("pk", "count", "data")
    return {pk: read_points(data, count=count) for pk, count, data in rows}


def _join(
    blocks: Sequence[_Outline], whole: Mapping[int, Points], cut: _Cut
) -> Iterator[tuple[int, Points]]:
    """Pieces of a series, in order, each with the number of values that it stands for."""
    for is_whole, group in groupby(blocks, key=lambda block: block.pk in whole):
        piece = list(group)
        if is_whole:
            points = cut.apply(np.concatenate([whole[block.pk] for block in piece]))
            yield len(points), points
        else:
            yield (
                sum(block.values for block in piece),
                read_outlines([one.outline for one in piece]),
            )
