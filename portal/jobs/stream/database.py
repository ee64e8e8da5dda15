"""The database, from streams that must not hold a connection while they wait."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from asgiref.sync import sync_to_async
from django.db import connections

T = TypeVar("T")


async def read_database(read: Callable[[], T]) -> T:
    """Call `read` in a thread and give its connection back at once."""

    def call() -> T:
        try:
            return read()
        finally:
            connections.close_all()

    return await sync_to_async(call, thread_sensitive=False)()


async def release_request_connections() -> None:
    """Give back what the request itself used so far; call it before the first wait."""
    await sync_to_async(connections.close_all, thread_sensitive=True)()
