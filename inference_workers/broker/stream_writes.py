"""The commands that write many jobs' events to their streams, in one round trip."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import sha1

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline
from redis.exceptions import NoScriptError

from inference_workers.broker.connections import evaluate
from inference_workers.broker.scripts import APPEND, END
from inference_workers.contract import STREAM_TTL_SECONDS, end_key, lease_key
from inference_workers.job import RunningJob

STREAMS_PER_CALL = 64
"""How many streams one script call writes, so that it never blocks the broker for long."""
EXPIRY_RENEWAL_SECONDS = 60
APPEND_SHA = sha1(APPEND.encode(), usedforsecurity=False).hexdigest()
"""The broker's name for a script that it has run before."""


@dataclass(frozen=True, slots=True)
class Written:
    """The broker's reply to one job's events."""

    job: RunningJob
    reply: object
    """An error; for an end, whether this worker could write it; otherwise the id of the last entry,
    empty if the stream was lost and nothing was written."""
    is_end: bool


async def write_streams(
    redis: Redis, jobs: Sequence[RunningJob], *, worker_id: str
) -> list[Written]:
    """Write all pending events of these jobs, and set each job's `in_flight` to their number.

    Raises the broker's error if the result is unknown for all jobs.
    """
    if not jobs:
        return []
    ending = [job for job in jobs if job.end is not None]
    growing = [job for job in jobs if job.end is None]
    batches = [
        growing[first : first + STREAMS_PER_CALL]
        for first in range(0, len(growing), STREAMS_PER_CALL)
    ]
    appends = [_Append(batch) for batch in batches]
    pipeline = redis.pipeline(transaction=False)
    for append in appends:
        pipeline.evalsha(APPEND_SHA, len(append.keys), *append.keys, *append.arguments)
    for job in ending:
        _add_end(pipeline, job, worker_id=worker_id)
    replies = await pipeline.execute(raise_on_error=False)
    written = []
    for append, reply in zip(appends, replies[: len(appends)], strict=True):
        is_unknown = isinstance(reply, NoScriptError)
        written += append.read(await append.teach(redis) if is_unknown else reply)
    ends = zip(ending, replies[len(appends) :], strict=True)
    return written + [Written(job, reply, is_end=True) for job, reply in ends]


class _Append:
    """One call of APPEND: all pending events of some jobs that continue."""

    def __init__(self, jobs: Sequence[RunningJob]) -> None:
        now = time.monotonic()
        self._jobs = jobs
        self.keys = [job.stream_key for job in jobs]
        self.arguments = [str(STREAM_TTL_SECONDS)]
        for job in jobs:
            self.arguments += _describe(job, now=now)

    async def teach(self, redis: Redis) -> object:
        """The reply of a broker that does not have the script yet."""
        return await evaluate(redis, APPEND, keys=self.keys, arguments=self.arguments)

    def read(self, reply: object) -> list[Written]:
        """One reply for each job; a failed call counts as failed for every job."""
        replies = reply if isinstance(reply, list) else [reply] * len(self._jobs)
        return [
            Written(job, own, is_end=False) for job, own in zip(self._jobs, replies, strict=True)
        ]


def _take_pending(job: RunningJob) -> list[str]:
    job.in_flight = len(job.pending)
    return [event.model_dump_json() for event in job.pending]


def _describe(job: RunningJob, *, now: float) -> list[str]:
    events = _take_pending(job)
    is_due = now - job.expiry_set_at >= EXPIRY_RENEWAL_SECONDS
    if is_due:
        job.expiry_set_at = now
    if job.token_ids:
        job.tokens_written_at = now
    may_begin = "0" if job.last_entry_id else "1"
    return [may_begin, "1" if is_due else "0", str(len(events)), *events]


def _add_end(pipeline: Pipeline, job: RunningJob, *, worker_id: str) -> None:
    events = _take_pending(job)
    snapshot = job.snapshot().model_dump_json() if job.last_entry_id else ""
    keys = (job.stream_key, end_key(job.job_id), lease_key(job.job_id))
    pipeline.eval(END, len(keys), *keys, worker_id, STREAM_TTL_SECONDS, snapshot, *events)
