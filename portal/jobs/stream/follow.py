"""A job's events as they come, for answers that are put together on the server."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final
from uuid import UUID

import structlog

from inference_workers.contract import (
    EVENT,
    Cancelled,
    CancelReason,
    Done,
    Event,
    Failed,
    Snapshot,
)
from portal.core.database import read_database
from portal.jobs.domain.lifecycle import rebuild_end
from portal.jobs.domain.queue import Place
from portal.jobs.domain.results import completion_of_row
from portal.jobs.models import GenerationJob
from portal.jobs.stream.board import current_board
from portal.jobs.stream.reader import BROKER_ERRORS, current_reader
from portal.jobs.stream.subscription import FIRST_ID, Subscription

WAIT_SECONDS: Final = 0.5
FINAL_TICKS: Final = 2

log = structlog.get_logger(__name__)


async def follow_job(job: GenerationJob) -> AsyncIterator[Event | Place]:
    """Every event from the first to the terminal one, and the job's place while it waits.

    From the stream while it lives, and else from the row. No database connection is held.
    """
    if not job.is_active:
        for event in await _read_row(job.pk):
            yield event
        return
    async with (
        current_reader().subscribe(job.pk, after=FIRST_ID) as subscription,
        current_board().watch(job.pk, deployment=job.deployment) as watch,
    ):
        told_tick = 0
        heard_at = 0.0
        while True:
            for event in await _take(subscription):
                heard_at = time.monotonic()
                yield event
                if isinstance(event, Done | Failed | Cancelled):
                    return
            if watch.final_ticks >= FINAL_TICKS:
                for event in await _read_row(job.pk):
                    yield event
                return
            if watch.place and watch.ticks != told_tick and watch.asked_at > heard_at:
                told_tick = watch.ticks
                yield watch.place


async def _take(subscription: Subscription) -> list[Event]:
    try:
        entries = await subscription.take(seconds=WAIT_SECONDS)
    except BROKER_ERRORS as error:
        log.warning("stream_replay_failed", error=type(error).__name__)
        await asyncio.sleep(WAIT_SECONDS)
        return []
    return [EVENT.validate_json(raw) for _, raw in entries]


async def _read_row(job_id: UUID) -> list[Event]:
    return await read_database(lambda: list(events_of_row(job_id)))


def events_of_row(job_id: UUID) -> Iterator[Event]:
    """A finished job's events as far as its row holds them; one that was erased was stopped."""
    job = GenerationJob.objects.filter(pk=job_id, erased_at__isnull=True).first()
    if job is None or job.is_active:
        yield Cancelled(reason=CancelReason.DELETED)
        return
    made = completion_of_row(job)
    if made.scored:
        yield made.scored
    yield Snapshot(text=made.text, token_ids=tuple(made.token_ids), logprobs=tuple(made.logprobs))
    yield rebuild_end(job)
