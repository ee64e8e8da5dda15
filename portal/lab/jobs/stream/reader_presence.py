"""Counts the readers of a call's response: without readers, its runs are stopped.

A client that lost its connection returns within a moment, maybe to another web process, and
attaches to the runs of its first attempt. So the count is kept in the broker, and there is a
short grace period.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import redis
import structlog
from asgiref.sync import sync_to_async

from inference_workers.contract import CancelReason
from portal.lab.jobs.domain.answered import mark_answered
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.database import read_database
from portal.platform.core.redis import sync_redis

GRACE_SECONDS: Final = 1.5
"""OpenAI's client sends its first retry within a second."""
COUNT_TTL_SECONDS: Final = 86_400

log = structlog.get_logger(__name__)
_leaving: set[asyncio.Task[None]] = set()


@dataclass(slots=True)
class ReaderPresence:
    """One reader's presence."""

    has_given_up: bool = False
    """Whether the reader no longer needs the rest."""


@asynccontextmanager
async def cancel_when_reader_leaves(
    call_id: UUID, jobs: Sequence[GenerationJob]
) -> AsyncIterator[ReaderPresence]:
    """Read a call's runs within the context; if the last reader leaves early, the runs stop."""
    presence = ReaderPresence()
    is_complete = False
    try:
        await sync_to_async(_count, thread_sensitive=False)(call_id, 1)
        yield presence
        is_complete = not presence.has_given_up
    finally:
        _start(_leave(call_id, jobs, is_complete=is_complete))


def leave_unread(call_id: UUID, jobs: Sequence[GenerationJob]) -> None:
    """For a client that left before it was read: the runs stop unless another reads them."""
    _start(_stop_unless_read(call_id, jobs))


async def _leave(call_id: UUID, jobs: Sequence[GenerationJob], *, is_complete: bool) -> None:
    await sync_to_async(_count, thread_sensitive=False)(call_id, -1)
    if is_complete:
        await sync_to_async(mark_answered, thread_sensitive=False)(call_id)
    else:
        await _stop_unless_read(call_id, jobs)


async def _stop_unless_read(call_id: UUID, jobs: Sequence[GenerationJob]) -> None:
    await asyncio.sleep(GRACE_SECONDS)
    if await sync_to_async(_count, thread_sensitive=False)(call_id, 0) <= 0:
        left = GenerationJob.objects.filter(pk__in=[job.pk for job in jobs])
        await read_database(lambda: stop_jobs(left, reason=CancelReason.USER, actor=None))


def _start(leaving: Coroutine[None, None, None]) -> None:
    task = asyncio.create_task(leaving, name="leave-call")
    _leaving.add(task)
    task.add_done_callback(_leaving.discard)


def _count(call_id: UUID, change: int) -> int:
    key = f"call:{{{call_id}}}:readers"
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        pipeline.incrby(key, change)
        pipeline.expire(key, COUNT_TTL_SECONDS)
        return int(pipeline.execute()[0])
    except redis.RedisError as error:
        log.warning("readers_not_counted", error=type(error).__name__)
        return 0
