"""The entries of a line of runs: filtered, searched, and placed on an axis."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from django.contrib.postgres.search import SearchHeadline, SearchQuery
from django.db.models import Count, Q, QuerySet

from portal.library.logbook.domain.clock import Clock, Span
from portal.library.logbook.domain.line import Line
from portal.library.logbook.enums import Axis, EntryKind
from portal.library.logbook.models import SEARCH_CONFIG, Entry

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
MARK_START, MARK_END = "\x02", "\x03"
"""Around each hit of a search, in its excerpt: characters that no text has."""


@dataclass(frozen=True)
class EntryFilter:
    """What is wanted of the entries; empty fields exclude nothing. `span` is part of `axis`."""

    axis: Axis
    span: Span | None = None
    kinds: Sequence[str] = ()
    words: str = ""

    @property
    def query(self) -> SearchQuery:
        return SearchQuery(self.words, config=SEARCH_CONFIG, search_type="websearch")


def list_entries(line: Line, wanted: EntryFilter, clock: Clock) -> QuerySet[Entry]:
    """The entries of a line that a filter selects, the oldest first."""
    entries = Entry.objects.filter(line.entries).select_related("run").defer("search")
    if wanted.kinds:
        entries = entries.filter(kind__in=wanted.kinds)
    if wanted.words:
        entries = entries.filter(search=wanted.query)
    if wanted.span is not None:
        entries = entries.filter(_within(wanted.span, wanted.axis, clock))
    return entries


def add_excerpts(entries: QuerySet[Entry], wanted: EntryFilter) -> QuerySet[Entry]:
    """With `excerpt`: what a search found in the text of each, hits between MARK_START and _END."""
    return entries.annotate(
        excerpt=SearchHeadline(
            "body",
            wanted.query,
            config=SEARCH_CONFIG,
            start_sel=MARK_START,
            stop_sel=MARK_END,
            max_fragments=2,
        )
    )


def count_kinds(line: Line) -> dict[EntryKind, int]:
    """The number of entries of each kind that the line has."""
    counts = Entry.objects.filter(line.entries).values_list("kind").annotate(Count("pk"))
    found = dict(counts.order_by())
    return {kind: found[kind] for kind in EntryKind if kind in found}


def place_entry(entry: Entry, axis: Axis, clock: Clock) -> float | None:
    """Where an entry is on an axis: as it says itself, or by the clock; None if that is unknown."""
    if axis is Axis.TIME:
        return read_microseconds(entry.at)
    if entry.step is not None:
        return entry.step if axis is Axis.STEP else clock.convert(entry.step, by=Axis.STEP, to=axis)
    return clock.convert(read_microseconds(entry.at), by=Axis.TIME, to=axis)


def read_microseconds(at: datetime) -> int:
    return (at - EPOCH) // MICROSECOND


def write_time(microseconds: int) -> datetime:
    return EPOCH + microseconds * MICROSECOND


def _within(span: Span, axis: Axis, clock: Clock) -> Q:
    """Entries by their steps; entries without a step by their time."""
    if axis is Axis.TIME:
        return _between(span)
    steps = span if axis is Axis.STEP else clock.convert_span(span, by=axis, to=Axis.STEP)
    times = clock.convert_span(span, by=axis, to=Axis.TIME)
    found = Q(pk=None)
    if steps is not None:
        found |= Q(step__lte=steps.high) & (Q(step__gte=steps.low) | Q(step_to__gte=steps.low))
    if times is not None:
        found |= Q(step=None) & _between(times)
    return found


def _between(span: Span) -> Q:
    return Q(at__gte=write_time(span.low), at__lte=write_time(span.high))
