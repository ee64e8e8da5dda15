"""One value in a metric file, and the numbers in its fields."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

MICROSECONDS = 1_000_000
LARGEST = 2**53


class MetricFileError(Exception):
    """A file that cannot be read, with its line and field."""

    def __init__(self, path: Path, *, place: str, field: str, message: str) -> None:
        super().__init__(f"{path}: {place}: {field}: {message}")


@dataclass(frozen=True, slots=True)
class Reading:
    """A value and where it is in its file; `time` is in microseconds since 1970."""

    place: str
    metric: str
    step: int
    tokens: int | None
    time: int | None
    value: float


def read_count(text: str) -> int:
    """A step or a count of tokens; raises `ValueError` with words for the person."""
    try:
        number = float(text)
    except ValueError:
        raise ValueError("is a whole number") from None
    if not number.is_integer() or not 0 <= number <= LARGEST:
        raise ValueError("is a whole number, and not negative")
    return int(number)


def read_time(text: str) -> int:
    """ISO 8601 with its zone, or seconds since 1970."""
    try:
        seconds = float(text)
    except ValueError:
        try:
            at = datetime.fromisoformat(text)
        except ValueError:
            raise ValueError("is a time in ISO 8601, or in seconds since 1970") from None
        if at.tzinfo is None:
            raise ValueError("needs its zone, such as +00:00 or Z") from None
        seconds = at.timestamp()
    if not math.isfinite(seconds) or abs(seconds) * MICROSECONDS > LARGEST:
        raise ValueError("is a time in ISO 8601, or in seconds since 1970")
    return round(seconds * MICROSECONDS)


def read_value(text: str) -> float:
    """Any float, also NaN and infinity, as training code writes them."""
    try:
        return float(text)
    except ValueError:
        raise ValueError("is a number") from None
