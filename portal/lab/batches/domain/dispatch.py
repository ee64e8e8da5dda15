"""Nudges, after which a batch advances soon. Celery beat advances all batches anyway."""

from __future__ import annotations

from uuid import UUID

import redis
import structlog
from celery import current_app
from kombu.exceptions import OperationalError

from portal.platform.core.redis import sync_redis

ADVANCE_TASK = "portal.batches.advance"
_NUDGE_SECONDS = 5

log = structlog.get_logger(__name__)


def send_advance(batch_id: UUID) -> None:
    """Send a nudge, unless one is still unheard. If the broker is down, this takes a few seconds,
    and the error is logged, not raised.
    """
    try:
        if sync_redis().set(_key(batch_id), "1", nx=True, ex=_NUDGE_SECONDS):
            current_app.send_task(ADVANCE_TASK, args=[str(batch_id)], retry=False)
    except (OperationalError, redis.RedisError, OSError) as error:
        log.warning("nudge_not_sent", batch_id=str(batch_id), error=type(error).__name__)


def receive_nudge(batch_id: UUID) -> None:
    """Mark the nudge as heard: the next event sends another one."""
    try:
        sync_redis().delete(_key(batch_id))
    except redis.RedisError as error:
        log.warning("nudge_not_heard", batch_id=str(batch_id), error=type(error).__name__)


def _key(batch_id: UUID) -> str:
    return f"batch:{batch_id}:nudged"
