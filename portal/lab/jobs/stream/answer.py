"""A job's events as a response."""

from __future__ import annotations

from django.http import StreamingHttpResponse

from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.feed import stream_job
from portal.lab.jobs.stream.meter import meter_stream
from portal.lab.jobs.stream.subscription import FIRST_ID


def answer_stream(
    job: GenerationJob, *, after: str = FIRST_ID, opening: bytes = b"", status: int = 200
) -> StreamingHttpResponse:
    """The job's events after the entry id `after` as Server-Sent Events, with `opening` first.

    The headers tell proxies not to buffer or change them.
    """
    return StreamingHttpResponse(
        meter_stream(job, stream_job(job, after=after, opening=opening)),
        status=status,
        content_type="text/event-stream; charset=utf-8",
        headers={"Cache-Control": "no-cache, no-transform", "X-Accel-Buffering": "no"},
    )
