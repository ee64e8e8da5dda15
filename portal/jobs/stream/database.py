"""The database, from streams that must not hold a connection while they wait."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.db import connections


async def release_request_connections() -> None:
    """Give back what the request itself used so far; call it before the first wait."""
    await sync_to_async(connections.close_all, thread_sensitive=True)()
