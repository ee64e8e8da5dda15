"""The entries and metrics of a logbook as files."""

from __future__ import annotations

from collections.abc import AsyncIterator, Hashable, Iterable, Mapping
from functools import partial
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.conf import settings

from portal.library.logbook.domain.curves import Curve
from portal.library.logbook.domain.entries import write_time
from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import Axis
from portal.library.logbook.models import Block, Entry, Series
from portal.library.logbook.points import COLUMN, Points, read_points
from portal.platform.core.parquet import Kind, ParquetTable
from portal.platform.core.spreadsheets import write_rows
from portal.platform.core.turns import in_turn

ENTRY_COLUMNS: Final = (
    *("run", "time", "step", "step_to", "kind", "title", "body"),
    *("authors", "source", "source_url", "url"),
)
METRIC_COLUMNS: Final = ("run", "metric", "unit", "step", "tokens", "time", "value")
PARQUET_COLUMNS: Final[Mapping[str, Kind]] = {
    "run": "VARCHAR", "metric": "VARCHAR", "unit": "VARCHAR", "step": "BIGINT",
    "tokens": "BIGINT", "time": "TIMESTAMPTZ", "value": "DOUBLE",
}  # fmt: skip
STEP: Final = COLUMN[Axis.STEP]


def describe_entry(entry: Entry) -> dict[str, Any]:
    """An entry as JSON; its time is a day if only that is known."""
    return {
        "run": entry.run.slug,
        "time": f"{entry.at:%Y-%m-%d}" if entry.is_day else entry.at.isoformat(),
        "step": entry.step,
        "step_to": entry.step_to,
        "kind": entry.kind,
        "title": entry.title,
        "body": entry.body,
        "authors": entry.authors,
        "source": entry.source,
        "source_url": entry.source_url,
        "url": settings.SITE_URL + entry.get_absolute_url(),
    }


def write_entries(entries: Iterable[Entry]) -> str:
    """The entries as CSV with a header."""
    described = (describe_entry(entry) | {"authors": "; ".join(entry.authors)} for entry in entries)
    return write_rows(
        [ENTRY_COLUMNS, *([row[name] for name in ENTRY_COLUMNS] for row in described)]
    )


def describe_curve(curve: Curve) -> dict[str, Any]:
    """A curve for a chart; times in seconds since 1970, None for a value that is not finite."""
    is_time = curve.axis is Axis.TIME
    return {
        "name": curve.name,
        "unit": curve.unit,
        "values": curve.count,
        "x": [place / 1e6 for place in curve.places] if is_time else curve.places,
        "y": curve.values,
    }


async def stream_metrics(line: Line) -> AsyncIterator[str]:
    """Every value of the line's metrics as CSV, one block at a time; holds no connection between.

    Values are written so that reading them gives the same floats.
    """
    yield write_rows([METRIC_COLUMNS])
    async for series, points in _read_pieces(line):
        yield _write_piece(series, points)


async def fill_table(line: Line, table: ParquetTable, *, person: Hashable) -> None:
    """The same values as rows of `PARQUET_COLUMNS`, and the table's file.

    Ten million values take about ten seconds of a core, so people take turns.
    """
    async for series, points in _read_pieces(line):
        piece = _describe_piece(series, points)
        await in_turn(person, partial(table.add, piece))
    await in_turn(person, table.finish)


async def _read_pieces(line: Line) -> AsyncIterator[tuple[Series, Points]]:
    """Every value of the line's metrics, one block at a time."""
    limits = {segment.run.pk: segment.until_step for segment in line.segments}
    for series in line.oldest_first(line.series):
        number = 0
        while True:
            block = await Block.objects.filter(series=series, number=number).afirst()
            until = limits[series.run_id]
            if block is None or (until is not None and block.first_step > until):
                break
            points = read_points(block.data, count=block.count)
            yield series, points if until is None else points[points[:, STEP] <= until]
            number += 1


def _write_piece(series: Series, points: Points) -> str:
    return write_rows(
        [
            series.run.slug,
            series.name,
            series.unit,
            int(step),
            int(tokens) if series.has_tokens else None,
            write_time(int(time)).isoformat() if series.has_time else None,
            float(value),
        ]
        for step, tokens, time, value in points
    )


def _describe_piece(series: Series, points: Points) -> dict[str, npt.NDArray[Any]]:
    rows = len(points)
    steps, tokens, times, values = points.T
    nothing = np.full(rows, None, dtype=object)
    return {
        "run": np.full(rows, series.run.slug, dtype=object),
        "metric": np.full(rows, series.name, dtype=object),
        "unit": np.full(rows, series.unit, dtype=object),
        "step": steps.astype(np.int64),
        "tokens": tokens.astype(np.int64) if series.has_tokens else nothing,
        "time": (times.astype(np.int64) if series.has_time else np.full(rows, "NaT")).astype(
            "datetime64[us]"
        ),
        "value": values,
    }
