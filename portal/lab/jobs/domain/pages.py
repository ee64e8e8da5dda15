"""Long lists of runs, read in parts."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import datetime
from typing import TypeVar
from uuid import UUID

from django.db.models import Q, QuerySet

from portal.lab.jobs.models import GenerationJob
from portal.platform.core.database import in_database

T = TypeVar("T")
Place = tuple[datetime, UUID]


async def read_in_pages(
    runs: QuerySet[GenerationJob, T], *, size: int, place: Callable[[T], Place]
) -> AsyncIterator[list[T]]:
    """Oldest first, at most `size` at a time; `place` is a row's time of creation and id.

    Holds neither rows nor a connection between two pages.
    """
    ordered, last = runs.order_by("created_at", "pk"), None

    def read() -> list[T]:
        return list((ordered if last is None else ordered.filter(_after(last)))[:size])

    while page := await in_database(read):
        yield page
        last = place(page[-1])


def _after(place: Place) -> Q:
    at, pk = place
    return Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk)
