"""The events of jobs as a response."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Mapping
from uuid import UUID

from django.http import StreamingHttpResponse

from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.feed import stream_job
from portal.lab.jobs.stream.meter import meter_stream
from portal.lab.jobs.stream.subscription import FIRST_ID
from portal.lab.jobs.stream.together import stream_together


def answer_stream(
    job: GenerationJob, *, after: str = FIRST_ID, opening: bytes = b"", status: int = 200
) -> StreamingHttpResponse:
    """The job's events after the entry id `after` as Server-Sent Events, with `opening` first."""
    return _answer(meter_stream(job, stream_job(job, after=after, opening=opening)), status=status)


def answer_together(
    jobs: Mapping[GenerationJob, str], *, missing: Collection[UUID]
) -> StreamingHttpResponse:
    """Each job's events after its entry id, in one response."""
    return _answer(stream_together(jobs, missing=missing))


def _answer(frames: AsyncIterator[bytes], *, status: int = 200) -> StreamingHttpResponse:
    """The headers tell proxies not to buffer or change the frames."""
    return StreamingHttpResponse(
        frames,
        status=status,
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
