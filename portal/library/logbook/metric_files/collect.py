"""The metrics of a run, put together from its files."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import numpy as np

from portal.library.logbook.metric_files.readings import MetricFileError, Reading
from portal.library.logbook.metric_files.tables import read_csv, read_jsonl
from portal.library.logbook.metric_files.tensorboard import read_events
from portal.library.logbook.points import WIDTH, Points

LONGEST_NAME: Final = 100
EVENTS: Final = "tfevents"
READERS: Final[Mapping[str, Callable[[Path], Iterator[Reading]]]] = {
    ".csv": read_csv,
    ".jsonl": read_jsonl,
}


@dataclass
class MetricValues:
    """A metric while it is read: each clock never falls, and steps rise."""

    has_tokens: bool
    has_time: bool
    numbers: array[float] = field(default_factory=lambda: array("d"))
    last: tuple[int, int, int] = (-1, 0, -(2**63))

    @property
    def points(self) -> Points:
        return np.frombuffer(self.numbers, dtype=np.float64).reshape(-1, WIDTH)

    def add(self, reading: Reading) -> tuple[str, str] | None:
        """Add a value, or return the field at fault and what is wrong."""
        step, tokens, time = reading.step, reading.tokens or 0, reading.time or 0
        if step <= self.last[0]:
            return "step", (
                f"{step} follows {self.last[0]}, but the steps of a metric rise. Describe "
                "a restart from an earlier step as its own run, with parent and from_step"
            )
        if (reading.tokens is not None, reading.time is not None) != (
            self.has_tokens,
            self.has_time,
        ):
            return "tokens, time", "are given for all values of a metric, or for none"
        if tokens < self.last[1]:
            return "tokens", f"{tokens} follows {self.last[1]}, but tokens never fall"
        if time < self.last[2]:
            return "time", "is earlier than that of the value before"
        self.last = step, tokens, time
        self.numbers.extend((step, tokens, time, reading.value))
        return None


def collect_metrics(files: Iterable[Path]) -> dict[str, MetricValues]:
    """Every metric of these files by name; raises `MetricFileError`."""
    metrics: dict[str, MetricValues] = {}
    for path in files:
        for reading in _read_file(path):
            name = reading.metric
            if not 0 < len(name) <= LONGEST_NAME or not name.isprintable():
                message = f"has 1 to {LONGEST_NAME} printable characters"
                raise MetricFileError(path, place=reading.place, field="metric", message=message)
            if name not in metrics:
                metrics[name] = MetricValues(reading.tokens is not None, reading.time is not None)
            if (fault := metrics[name].add(reading)) is not None:
                named, message = fault
                raise MetricFileError(
                    path, place=reading.place, field=f"{name}: {named}", message=message
                )
    return metrics


def _read_file(path: Path) -> Iterator[Reading]:
    reader = read_events if EVENTS in path.name else READERS.get(path.suffix)
    if reader is None:
        raise MetricFileError(
            path,
            place="name",
            field="file",
            message=f"ends in .csv or .jsonl, or has {EVENTS} in it",
        )
    try:
        yield from reader(path)
    except UnicodeDecodeError as error:
        raise MetricFileError(
            path, place=f"byte {error.start}", field="file", message="is not UTF-8"
        ) from None
