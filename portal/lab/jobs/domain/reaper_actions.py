"""Counts of the reaper's actions, kept in the broker, since it runs outside the web processes."""

from __future__ import annotations

import time
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, cast

import redis
import structlog

from portal.platform.core.redis import sync_redis

ACTIONS_KEY: Final = "gatehouse:reaper:actions"
LAST_RUN_KEY: Final = "gatehouse:reaper:last_run"

log = structlog.get_logger(__name__)


class ReaperAction(StrEnum):
    """An action of the reaper on a job."""

    REQUEUED = "requeued"
    RETURNED = "returned"
    """Its worker had put the message back."""
    EXPIRED = "expired"
    LOST = "lost"
    """It failed after too many attempts."""
    CANCELLED = "cancelled"
    TAKEN_FROM_STREAM = "taken_from_stream"
    """Its worker ended it, but the outcome never arrived."""


@dataclass(frozen=True)
class ReaperRecord:
    """Counts since the broker last lost its data, and the Unix time of the last round."""

    actions: dict[ReaperAction, int]
    last_run: float | None


def count_action(action: ReaperAction, *, times: int = 1) -> None:
    """Count an action. If the broker is down, only the count is lost."""
    if not times:
        return
    try:
        sync_redis().hincrby(ACTIONS_KEY, action.value, times)
    except redis.RedisError as error:
        log.warning("reaper_action_not_counted", error=type(error).__name__)


def note_round() -> None:
    """Record the time of the reaper's round."""
    try:
        sync_redis().set(LAST_RUN_KEY, str(time.time()))
    except redis.RedisError as error:
        log.warning("reaper_round_not_noted", error=type(error).__name__)


def read_record() -> ReaperRecord:
    """The counts so far; raises `redis.RedisError`."""
    client = sync_redis()
    counts = cast("dict[str, str]", client.hgetall(ACTIONS_KEY))
    last_run = cast("str | None", client.get(LAST_RUN_KEY))
    actions = {action: int(counts.get(action.value, 0)) for action in ReaperAction}
    return ReaperRecord(actions, float(last_run) if last_run else None)
