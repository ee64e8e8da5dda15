"""Metrics from CSV, and from the history that Weights & Biases exports as CSV or JSON lines."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

from portal.library.logbook.metric_files.readings import (
    MetricFileError,
    Reading,
    read_count,
    read_time,
    read_value,
)

CLOCKS: Final = {
    "step": "step",
    "_step": "step",
    "tokens": "tokens",
    "time": "time",
    "_timestamp": "time",
}
"""Columns that say when; W&B's names begin with an underscore, and its other such are left out."""
NUMBERS: Final = ("NaN", "Infinity", "-Infinity")
"""Strings that W&B writes for values that JSON does not have."""
Number = TypeVar("Number", int, float)


def read_csv(path: Path) -> Iterator[Reading]:
    """Long (`step, metric, value`) or wide (`step` and a column for each metric).

    Both may have `tokens` and `time`. An empty cell is no value.
    """
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = csv.reader(file)
        header = [name.strip() for name in next(rows, [])]
        columns = {CLOCKS.get(name.lower(), name): number for number, name in enumerate(header)}
        if len(columns) < len(header) or "" in columns:
            raise MetricFileError(
                path, place="line 1", field="header", message="every column has its own name"
            )
        if "step" not in columns:
            raise MetricFileError(path, place="line 1", field="step", message="no such column")
        for cells in rows:
            if not cells:
                continue
            place = f"line {rows.line_num}"
            if len(cells) != len(header):
                raise MetricFileError(
                    path,
                    place=place,
                    field="row",
                    message=f"has {len(cells)} cells, and the header has {len(header)}",
                )
            yield from _read_row(path, place, {name: cells[at] for name, at in columns.items()})


def read_jsonl(path: Path) -> Iterator[Reading]:
    """W&B's history: an object in each line, with `_step`; only numbers are values."""
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            place = f"line {number}"
            if not line.strip():
                continue
            try:
                row = json.loads(line)
            except json.JSONDecodeError as error:
                raise MetricFileError(path, place=place, field="row", message=error.msg) from None
            if not isinstance(row, dict) or not {"step", "_step"} & row.keys():
                raise MetricFileError(path, place=place, field="_step", message="is missing")
            numbers: dict[str, Any] = {name: row[name] for name in row if _is_number(row[name])}
            cells = {CLOCKS.get(name, name): str(value) for name, value in numbers.items()}
            yield from _read_row(path, place, cells)


def _is_number(value: Any) -> bool:  # noqa: ANN401 -- JSON
    return value in NUMBERS if isinstance(value, str) else type(value) in {int, float}


def _read_row(path: Path, place: str, cells: Mapping[str, str]) -> Iterator[Reading]:
    def read(field: str, by: Callable[[str], Number]) -> Number:
        try:
            return by(cells.get(field, ""))
        except ValueError as error:
            raise MetricFileError(path, place=place, field=field, message=str(error)) from None

    step = read("step", read_count)
    tokens = read("tokens", read_count) if cells.get("tokens") else None
    time = read("time", read_time) if cells.get("time") else None
    for metric, field in _list_values(cells):
        yield Reading(place, metric, step, tokens, time, read(field, read_value))


def _list_values(cells: Mapping[str, str]) -> Sequence[tuple[str, str]]:
    """The name of each metric with a value, and the field that has it."""
    if {"metric", "value"} <= cells.keys():
        return [(cells["metric"].strip(), "value")]
    return [
        (name, name)
        for name, cell in cells.items()
        if cell and name not in CLOCKS.values() and not name.startswith("_")
    ]
