"""Creates all Valkey clients.

They send no client name: redis-py would look up its own version for every connection.
"""

from __future__ import annotations

from functools import cache

import redis
import redis.asyncio
from django.conf import settings


@cache
def sync_redis() -> redis.Redis:
    """A client for domain code; one connection pool per process, replies as `str`."""
    return redis.Redis.from_url(
        settings.REDIS_URL,
        decode_responses=True,
        socket_connect_timeout=2,
        socket_timeout=5,
        driver_info=None,
    )


@cache
def bytes_redis() -> redis.Redis:
    """Like `sync_redis`, for values that are not text."""
    return redis.Redis.from_url(
        settings.REDIS_URL, socket_connect_timeout=2, socket_timeout=5, driver_info=None
    )


def async_redis() -> redis.asyncio.Redis:
    """A new client bound to the running event loop; the caller closes it."""
    return redis.asyncio.Redis.from_url(
        settings.REDIS_URL, decode_responses=True, socket_connect_timeout=2, driver_info=None
    )
