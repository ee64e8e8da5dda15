"""Connections to the broker's streams, keys and channels."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Final, cast

from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

BROKER_ERRORS: Final = (RedisError, OSError)
"""What any command may raise while the broker is unreachable, hangs or loads its data."""

SOCKET_TIMEOUT_SECONDS = 5


def connect(url: str) -> Redis:
    """A client that never retries a command by itself.

    A repeated XADD would duplicate tokens, so a caller must first check what arrived.
    """
    client: Redis = Redis.from_url(
        url,
        decode_responses=True,
        retry=Retry(NoBackoff(), 0),
        socket_timeout=SOCKET_TIMEOUT_SECONDS,
        socket_connect_timeout=SOCKET_TIMEOUT_SECONDS,
        health_check_interval=0,
    )
    return client


async def evaluate(
    redis: Redis, script: str, *, keys: Sequence[str], arguments: Sequence[str]
) -> object:
    """Run one of `scripts`. redis-py cannot type the reply."""
    reply: object = await cast(
        "Awaitable[object]", redis.eval(script, len(keys), *keys, *arguments)
    )
    return reply
