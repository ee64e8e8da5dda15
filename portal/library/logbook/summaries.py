"""What the page of a logbook shows of its entries and its range."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from django.http import QueryDict
from django.utils.html import format_html_join
from django.utils.safestring import SafeString

from portal.library.logbook.domain.clock import HIGHEST, LOWEST, Clock, Span
from portal.library.logbook.domain.entries import (
    MARK_END,
    MARK_START,
    EntryFilter,
    place_entry,
    write_time,
)
from portal.library.logbook.enums import Axis
from portal.library.logbook.models import Entry

MARGIN: Final = 0.02
"""Of the axis, on each side of an entry to which a chart zooms."""
MICROSECONDS: Final = 1e6


@dataclass(frozen=True)
class EntryRow:
    """An entry, its place on the chart's axis, the address that zooms to it, and what was found."""

    entry: Entry
    x: float | None
    zoom: str
    excerpt: SafeString


def list_rows(
    entries: Iterable[Entry], wanted: EntryFilter, clock: Clock, query: QueryDict
) -> Iterator[EntryRow]:
    """Rows for the page; times on the chart are in seconds."""
    extent = clock.extent(wanted.axis)
    for entry in entries:
        place = place_entry(entry, wanted.axis, clock)
        zoom = ""
        if place is not None and extent is not None and extent.low <= place <= extent.high:
            zoom = write_query(query, wanted.axis, _around(entry, place, wanted.axis, extent))
        is_time = wanted.axis is Axis.TIME and place is not None
        x = place / MICROSECONDS if is_time and place is not None else place
        yield EntryRow(entry, x, zoom, mark_hits(getattr(entry, "excerpt", "")))


def write_query(query: QueryDict, axis: Axis, span: Span | None) -> str:
    """The page's address for a span, with all other fields kept; the first page of entries."""
    changed = query.copy()
    for name in ("page", "start", "end", "x"):
        changed.pop(name, None)
    changed["x"] = axis
    if span is not None and span.low > LOWEST:
        changed["start"] = write_place(span.low, axis)
    if span is not None and span.high < HIGHEST:
        changed["end"] = write_place(span.high, axis)
    return changed.urlencode()


def write_place(place: int, axis: Axis) -> str:
    """A place as the form reads it."""
    return write_time(place).isoformat().replace("+00:00", "Z") if axis is Axis.TIME else str(place)


def describe_place(place: int, axis: Axis) -> str:
    """A place for a person: 12,000, or 5 November 2021, 12:00."""
    return f"{write_time(place):%-d %B %Y, %H:%M}" if axis is Axis.TIME else f"{place:,}"


def describe_span(span: Span | None, axis: Axis) -> str:
    """A range for a person; empty for the whole logbook."""
    if span is None:
        return ""
    low, high = describe_place(span.low, axis), describe_place(span.high, axis)
    unit = {Axis.STEP: "step", Axis.TOKENS: "token", Axis.TIME: ""}[axis]
    if span.high >= HIGHEST:
        return f"{unit} {low} and later".strip()
    if span.low <= LOWEST:
        return f"{unit} {high} and earlier".strip()
    return f"{unit}s {low} to {high}" if unit else f"{low} to {high}"


def mark_hits(excerpt: str) -> SafeString:
    """The excerpt with `<mark>` around each hit; the text itself is never markup."""
    plain, *marked = excerpt.split(MARK_START)
    parts = [("", plain)] if excerpt else []
    for part in marked:
        hit, _, rest = part.partition(MARK_END)
        parts += [("mark", hit), ("", rest)]
    return format_html_join("", "{}", ((_mark(tag, text),) for tag, text in parts))


def _mark(tag: str, text: str) -> SafeString | str:
    return format_html_join("", "<mark>{}</mark>", [(text,)]) if tag else text


def _around(entry: Entry, place: float, axis: Axis, extent: Span) -> Span:
    margin = max(1, int((extent.high - extent.low) * MARGIN))
    is_range = axis is Axis.STEP and entry.step_to is not None
    high = entry.step_to if is_range and entry.step_to is not None else place
    return Span(max(extent.low, int(place) - margin), min(extent.high, int(high) + margin))
