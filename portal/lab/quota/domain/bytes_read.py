"""The limit on the bytes of a person's requests that are read in a minute.

Generation counts against the quota of tokens. But reading a request costs the site even if nothing
is generated, as in counting tokens.
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
    """The person's bytes in the minute that began with its first request."""

    bytes: int
    left: int
    seconds: int
    """Seconds until the next minute begins."""


def take_bytes(user_id: int, size: int) -> Allowance | None:
    """Count a request of `size` bytes.

    Raises `DomainError` with code `rate_limited` over the limit. If Valkey is down, nothing is
    counted or refused, and None is returned.
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
            f"You have sent {taken:,} bytes within a minute; the limit is {limit:,}. Continue in "
            f"{seconds} seconds.",
        )
    return Allowance(limit, limit - taken, max(0, seconds))
