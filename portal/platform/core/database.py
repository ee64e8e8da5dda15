"""The database, from code that runs in the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from portal.platform.core.concurrency_limit import in_place

T = TypeVar("T")


async def in_database(work: Callable[[], T], *, unread: Callable[[T], object] | None = None) -> T:
    """Call `work` in a thread as soon as it can have a connection, and release that afterwards.

    For requests that last longer than their use of the database: nothing is held in between.
    If the client leaves, work that has begun continues and keeps its place; its result is then
    passed to `unread`.
    """
    places = settings.REQUESTS_AT_A_TIME
    return await in_place(lambda: read_database(work), places=places, unread=unread)


async def read_database(read: Callable[[], T]) -> T:
    """The same without waiting for a place, for streams."""

    def call() -> T:
        try:
            return read()
        finally:
            connections.close_all()

    return await sync_to_async(call, thread_sensitive=False)()
