"""What a person may have read: bytes of requests in a minute, whatever becomes of them.

Generating counts against the quota of tokens. Reading a request costs the site before it is known
whether anything is generated, and counting tokens generates nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import redis
from django.conf import settings

from portal.platform.core.errors import DomainError
from portal.platform.core.redis import sync_redis
from portal.platform.core.refusals import RefusalCode

SECONDS: Final = 60


@dataclass(frozen=True)
class Allowance:
    """Bytes of the minute that began with the first request in it."""

    bytes: int
    left: int
    seconds: int
    """Until another minute begins."""


def take_bytes(user_id: int, size: int) -> Allowance | None:
    """Count a request of so many bytes; raises `DomainError` with code `rate_limited` beyond.

    Without Valkey nobody is held up, and nothing is known.
    """
    limit, key = settings.API_READ_MB_PER_MINUTE * 1_000_000, f"reading:{user_id}"
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        pipeline.set(key, 0, nx=True, ex=SECONDS)
        pipeline.incrby(key, size)
        pipeline.ttl(key)
        _, taken, seconds = pipeline.execute()
    except redis.RedisError:
        return None
    if taken > limit:
        raise DomainError(
            RefusalCode.RATE_LIMITED,
            f"You have sent {taken:,} bytes within a minute, and {limit:,} are read. Go on in "
            f"{seconds} seconds.",
        )
    return Allowance(limit, limit - taken, max(0, seconds))
