"""The database, from code that runs in the event loop."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.conf import settings
from django.db import connections

from portal.core.turnstile import places

T = TypeVar("T")


async def in_database(work: Callable[[], T]) -> T:
    """Call `work` in a thread once there is a connection for it, and give it back at once.

    For requests that last longer than their use of the database: nothing is held in between.
    """

    def call() -> T:
        try:
            return work()
        finally:
            connections.close_all()

    async with places(settings.REQUESTS_AT_A_TIME):
        return await sync_to_async(call, thread_sensitive=False)()
