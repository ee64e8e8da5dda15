"""Several runs' events for one reader, so that many pages of a person need one connection."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import aclosing
from typing import Final, TypeAlias
from uuid import UUID

from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.feed import stream_job
from portal.lab.jobs.stream.frames import RETRY, frame_missing
from portal.lab.jobs.stream.meter import meter_stream

_HEAD: Final = re.compile(rb"^(?:id: ([0-9-]+)\n)?event: ", re.MULTILINE)
"""The beginning of a frame; its data is JSON, which is one line."""
_Piece: TypeAlias = bytes | Exception | None
"""Frames of one run; the reason why they broke off; None after the last."""


async def stream_together(
    jobs: Mapping[GenerationJob, str], *, missing: Collection[UUID] = ()
) -> AsyncIterator[bytes]:
    """The frames of every job after its entry id, until the last job has ended.

    Frames are those of `stream_job`, except that each has an id: the run's, a colon, and the
    entry's if there is one. A run in `missing` is told to be unknown. Like `stream_job`, this holds
    no database connection between two reads.
    """
    yield RETRY + b"".join(name_run(frame_missing(), job_id) for job_id in missing)
    # A slow reader holds up the jobs, whose subscriptions then read again from the broker.
    pieces: asyncio.Queue[_Piece] = asyncio.Queue(maxsize=len(jobs) or 1)
    tasks = [asyncio.create_task(_read(job, after, pieces)) for job, after in jobs.items()]
    try:
        ended = 0
        while ended < len(tasks):
            piece = await pieces.get()
            if isinstance(piece, Exception):
                raise piece
            if piece is None:
                ended += 1
            else:
                yield piece
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _read(job: GenerationJob, after: str, pieces: asyncio.Queue[_Piece]) -> None:
    try:
        async with aclosing(meter_stream(job, stream_job(job, after=after))) as frames:
            async for piece in frames:
                await pieces.put(name_run(piece, job.pk))
        await pieces.put(None)
    except Exception as error:  # noqa: BLE001 -- the reader raises it
        await pieces.put(error)


def name_run(frames: bytes, job_id: UUID) -> bytes:
    """The same frames, each with the run in its id."""
    return _HEAD.sub(rb"id: %b:\1\nevent: " % str(job_id).encode(), frames)
