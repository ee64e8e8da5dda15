"""Records whether a call's response was sent completely: an equal request is then a new one."""

from __future__ import annotations

from typing import Final
from uuid import UUID

import redis
import structlog

from portal.platform.core.redis import sync_redis

KEPT_SECONDS: Final = 3600

log = structlog.get_logger(__name__)


def mark_answered(call_id: UUID) -> None:
    """Record that the last piece was sent. If the broker is down, that is logged."""
    try:
        sync_redis().set(_key(call_id), "1", ex=KEPT_SECONDS)
    except redis.RedisError as error:
        log.warning("answer_not_marked", error=type(error).__name__)


def was_answered(call_id: UUID) -> bool:
    """True also if the broker is down: an extra run is better than an old response."""
    try:
        return bool(sync_redis().exists(_key(call_id)))
    except redis.RedisError:
        return True


def _key(call_id: UUID) -> str:
    return f"call:{{{call_id}}}:answered"
