"""Whether a call's answer went out whole: a request like it is then a new one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import redis
import structlog

from portal.platform.core.redis import sync_redis

KEPT_SECONDS: Final = 3600

log = structlog.get_logger(__name__)


def mark_answered(call_id: UUID) -> None:
    """The last piece has been sent. A broker that is away is logged."""
    try:
        sync_redis().set(_key(call_id), "1", ex=KEPT_SECONDS)
    except redis.RedisError as error:
        log.warning("answer_not_marked", error=type(error).__name__)


def was_answered(call_id: UUID) -> bool:
    """True also where the broker does not say: a run too many is better than an old answer."""
    try:
        return bool(sync_redis().exists(_key(call_id)))
    except redis.RedisError:
        return True


def _key(call_id: UUID) -> str:
    return f"call:{{{call_id}}}:answered"
