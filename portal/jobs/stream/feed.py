"""A job's events as bytes for one reader, from the stream while it lives and then the row."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import AsyncIterator
from typing import Final
from uuid import UUID

import structlog

from inference_workers.contract import EVENT, Cancelled, CancelReason
from portal.core.database import read_database
from portal.jobs.domain.access import explain_ended_access
from portal.jobs.domain.lifecycle import rebuild_end
from portal.jobs.models import GenerationJob
from portal.jobs.stream.board import Watch, current_board
from portal.jobs.stream.frames import (
    KEEP_ALIVE,
    RETRY,
    frame_end,
    frame_entry,
    frame_place,
    frame_snapshot,
)
from portal.jobs.stream.reader import BROKER_ERRORS, current_reader
from portal.jobs.stream.subscription import FIRST_ID, Entry, Subscription

WAIT_SECONDS: Final = 0.5
KEEP_ALIVE_SECONDS: Final = 10.0
FINAL_TICKS: Final = 2
ACCESS_ENDED: Final = f'"reason":"{CancelReason.ACCESS_ENDED.value}"'
"""In an event's JSON; text from a model has its quotes escaped."""
TERMINAL: Final = frozenset({"done", "failed", "cancelled"})
_ENTRY_ID: Final = re.compile(r"\d{1,19}-\d{1,19}")

log = structlog.get_logger(__name__)


def parse_last_event_id(value: str) -> str:
    """A reader's Last-Event-ID, or the beginning where it is missing or not one of ours."""
    return value if _ENTRY_ID.fullmatch(value) else FIRST_ID


async def stream_job(
    job: GenerationJob, *, after: str, opening: bytes = b""
) -> AsyncIterator[bytes]:
    """`opening`, then the job's frames behind the entry id `after` to its one terminal event.

    It takes a database connection only while it reads: the request has given its own back.
    """
    yield opening + RETRY
    if not job.is_active:
        yield await _frames_of_row(job.pk)
        return
    async with (
        current_reader().subscribe(job.pk, after=after) as subscription,
        current_board().watch(job.pk, deployment=job.deployment) as watch,
    ):
        feed = _Feed(subscription, watch)
        async for frames in feed.follow():
            yield frames


class _Feed:
    """Joins one job's entries and its watch into frames."""

    def __init__(self, subscription: Subscription, watch: Watch) -> None:
        self._subscription = subscription
        self._watch = watch
        self._ran = subscription.last_id != FIRST_ID
        self._told_tick = 0
        self._heard_at = 0.0
        self._spoke_at = time.monotonic()
        self._ended_by_access: tuple[str, Cancelled] | None = None

    async def follow(self) -> AsyncIterator[bytes]:
        is_over = False
        while not is_over:
            frames, is_over = self._frame(await self._take())
            if self._ended_by_access is not None:
                frames += await self._frame_ended_access(*self._ended_by_access)
            if not is_over and self._watch.final_ticks >= FINAL_TICKS:
                frames += await _frames_of_row(self._watch.job_id)
                is_over = True
            frames += b"" if is_over else self._frame_place()
            if not frames and time.monotonic() - self._spoke_at > KEEP_ALIVE_SECONDS:
                frames = KEEP_ALIVE
            if frames:
                self._spoke_at = time.monotonic()
                yield frames

    async def _take(self) -> list[Entry]:
        try:
            return await self._subscription.take(seconds=WAIT_SECONDS)
        except BROKER_ERRORS as error:
            log.warning("stream_replay_failed", error=type(error).__name__)
            await asyncio.sleep(WAIT_SECONDS)
            return []

    def _frame(self, entries: list[Entry]) -> tuple[bytes, bool]:
        if entries:
            self._heard_at = time.monotonic()
        frames: list[bytes] = []
        for entry_id, raw in entries:
            if ACCESS_ENDED in raw and isinstance(end := EVENT.validate_json(raw), Cancelled):
                self._ended_by_access = (entry_id, end)
                return b"".join(frames), True
            frame, name = frame_entry(entry_id, raw, ran=self._ran)
            frames.append(frame)
            self._ran = True
            if name in TERMINAL:
                return b"".join(frames), True
        return b"".join(frames), False

    async def _frame_ended_access(self, entry_id: str, end: Cancelled) -> bytes:
        """Only the database knows why, and only now it is asked."""
        refusal = await read_database(lambda: explain_ended_access(self._watch.job_id))
        return frame_end(end, entry_id=entry_id, ran=self._ran, refusal=refusal)

    def _frame_place(self) -> bytes:
        """The job's place, unless it was looked up before the job was last heard of."""
        watch = self._watch
        if watch.place is None or watch.ticks == self._told_tick:
            return b""
        if watch.asked_at < self._heard_at:
            return b""
        self._told_tick = watch.ticks
        return frame_place(watch.place)


async def _frames_of_row(job_id: UUID) -> bytes:
    return await read_database(lambda: frame_row(job_id))


def frame_row(job_id: UUID) -> bytes:
    """A finished job's whole stream from its row: what there is of text, and the end."""
    job = GenerationJob.objects.filter(pk=job_id, erased_at__isnull=True).first()
    if job is None or job.is_active:
        return frame_end(Cancelled(reason=CancelReason.DELETED), ran=True)
    is_refused = job.cancel_reason == CancelReason.ACCESS_ENDED
    refusal = explain_ended_access(job.pk) if is_refused else None
    end = frame_end(rebuild_end(job), ran=job.started_at is not None, refusal=refusal)
    return frame_snapshot(job.text, job.token_ids) + end
