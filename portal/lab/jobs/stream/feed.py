"""A job's events as bytes for one reader, from the stream while it exists, then from the row."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import Final
from uuid import UUID

from inference_workers.contract import EVENT, Cancelled, CancelReason
from portal.lab.jobs.domain.access import explain_ended_access
from portal.lab.jobs.domain.lifecycle import rebuild_end
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.frames import (
    KEEP_ALIVE,
    RETRY,
    frame_end,
    frame_entry,
    frame_place,
    frame_silence,
    frame_snapshot,
)
from portal.lab.jobs.stream.subscription import FIRST_ID, Entry
from portal.lab.jobs.stream.token_names import TokenNames, find_names, has_logprobs
from portal.lab.jobs.stream.turns import Turn, take_turns
from portal.platform.core.database import read_database

KEEP_ALIVE_SECONDS: Final = 10.0
ACCESS_ENDED: Final = f'"reason":"{CancelReason.ACCESS_ENDED.value}"'
"""In an event's JSON; text from a model has its quotes escaped."""
TERMINAL: Final = frozenset({"done", "failed", "cancelled"})
_ENTRY_ID: Final = re.compile(r"[0-9]{1,19}-[0-9]{1,19}")


def parse_last_event_id(value: str) -> str:
    """A reader's Last-Event-ID; the beginning if it is missing or invalid."""
    return value if _ENTRY_ID.fullmatch(value) else FIRST_ID


async def stream_job(
    job: GenerationJob, *, after: str, opening: bytes = b""
) -> AsyncIterator[bytes]:
    """`opening`, then the job's frames after the entry id `after` up to its terminal event.

    Uses a database connection only while it reads: the request has returned its own.
    """
    yield opening + RETRY
    if not job.is_active:
        yield await _frames_of_row(job.pk)
        return
    names = await _find_names(job)
    feed = _Feed(job.pk, after=after, names=names)
    # Names are of tokens in order: also of those that the reader has already.
    async with aclosing(take_turns(job, after=FIRST_ID if names else after)) as turns:
        async for turn in turns:
            if frames := await feed.frame(turn):
                yield frames
            if feed.is_over:
                return


class _Feed:
    """Turns one job's news into frames."""

    def __init__(self, job_id: UUID, *, after: str, names: TokenNames | None) -> None:
        self._job_id = job_id
        self._ran = after != FIRST_ID
        self._names = names
        self._after = _parse_entry_id(after)
        self._spoke_at = time.monotonic()
        self.is_over = False

    async def frame(self, turn: Turn) -> bytes:
        """The turn's frames; a keep-alive comment if there were none for a while."""
        frames = await self._frame_entries(turn.entries)
        if turn.is_over and not self.is_over:
            frames += await _frames_of_row(self._job_id)
            self.is_over = True
        if turn.place is not None and not self.is_over:
            frames += frame_place(turn.place)
        if turn.silence is not None and not self.is_over:
            frames += frame_silence(turn.silence.seconds, turn.silence.engine)
        now = time.monotonic()
        if not frames and now - self._spoke_at > KEEP_ALIVE_SECONDS:
            frames = KEEP_ALIVE
        if frames:
            self._spoke_at = now
        return frames

    async def _frame_entries(self, entries: list[Entry]) -> bytes:
        """Frames up to the terminal event; any later entries are ignored."""
        frames: list[bytes] = []
        for entry_id, raw in entries:
            if self._names and _parse_entry_id(entry_id) <= self._after:
                self._names.skip(EVENT.validate_json(raw))
                continue
            if ACCESS_ENDED in raw and isinstance(end := EVENT.validate_json(raw), Cancelled):
                frames.append(await self._frame_ended_access(entry_id, end))
                break
            frame, name = frame_entry(entry_id, raw, ran=self._ran, names=self._names)
            frames.append(frame)
            self._ran = True
            if name in TERMINAL:
                self.is_over = True
                break
        return b"".join(frames)

    async def _frame_ended_access(self, entry_id: str, end: Cancelled) -> bytes:
        """The end with the reason from the database."""
        self.is_over = True
        refusal = await read_database(lambda: explain_ended_access(self._job_id))
        return frame_end(end, entry_id=entry_id, ran=self._ran, refusal=refusal)


def _parse_entry_id(entry_id: str) -> tuple[int, int]:
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


async def _find_names(job: GenerationJob) -> TokenNames | None:
    return await read_database(lambda: find_names(job)) if has_logprobs(job) else None


async def _frames_of_row(job_id: UUID) -> bytes:
    return await read_database(lambda: frame_row(job_id))


def frame_row(job_id: UUID) -> bytes:
    """A finished job's whole stream from its row: what it produced, and the end."""
    job = GenerationJob.objects.filter(pk=job_id, erased_at__isnull=True).first()
    if job is None or job.is_active:
        return frame_end(Cancelled(reason=CancelReason.DELETED), ran=True)
    is_refused = job.cancel_reason == CancelReason.ACCESS_ENDED
    refusal = explain_ended_access(job.pk) if is_refused else None
    end = frame_end(rebuild_end(job), ran=job.started_at is not None, refusal=refusal)
    return frame_snapshot(completion_of_row(job), find_names(job)) + end
