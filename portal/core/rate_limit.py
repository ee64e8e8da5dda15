"""Counting what comes from one place, so that links cannot be guessed and forms not flooded."""

from __future__ import annotations

from django.http import HttpRequest
from redis import RedisError

from portal.core.http import client_ip
from portal.core.redis import sync_redis


def is_too_fast(request: HttpRequest, *, action: str, most: int, seconds: int) -> bool:
    """Count one more `action` of the client's address; True above `most` within `seconds`.

    The count begins with the first and is forgotten after `seconds`. Without Valkey nobody is
    held up: the tokens themselves cannot be guessed.
    """
    key = f"pace:{action}:{client_ip(request) or 'unknown'}"
    try:
        counter = sync_redis().pipeline()
        counter.set(key, 0, nx=True, ex=seconds)
        counter.incr(key)
        _, count = counter.execute()
    except RedisError:
        return False
    return int(count) > most
