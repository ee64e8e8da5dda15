"""Write the events of all running jobs to their streams, with one flush for all of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Sequence

from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.broker.history import read_entries
from inference_workers.broker.stream_writes import Written, write_streams
from inference_workers.contract import (
    LEASE_SECONDS,
    Cancelled,
    Done,
    Event,
    Failed,
    TerminalEvent,
    TokenLogprobs,
)
from inference_workers.job import GrowingDelta, Interruption, RunningJob
from inference_workers.logs import get_logger
from inference_workers.metrics import WorkerMetrics

FLUSH_SECONDS = 0.025
PACE_SECONDS = 0.06
"""Between two writes of one stream under load. A reader still gets more than ten updates a
second, and each write costs the worker, the broker and the web server the same, whatever its
size."""
QUIET_STREAMS = 16
BUSY_STREAMS = 64
RETRY_SECONDS = 0.5

log = get_logger(__name__)


class StreamPublisher:
    """Writes every event to its stream once, in order, however often the connection breaks.

    A job's events are written at the next flush. While many jobs have events, tokens after the
    first wait for up to PACE_SECONDS; first tokens and ends never wait.

    Events wait in memory while the broker is unreachable. If the broker comes back without its
    data, the stream starts again with a `Snapshot`. Nothing is written for a job whose lease this
    worker may have lost.
    """

    def __init__(
        self, redis: Redis, *, worker_id: str, metrics: WorkerMetrics | None = None
    ) -> None:
        self.redis = redis
        self._worker_id = worker_id
        self._metrics = metrics or WorkerMetrics()
        self._dirty: set[RunningJob] = set()
        self._wake = asyncio.Event()

    def publish(self, job: RunningJob, event: Event) -> None:
        """Queue one event."""
        job.pending.append(event)
        self._mark(job)

    def append(
        self,
        job: RunningJob,
        *,
        text: str,
        token_ids: Sequence[int],
        logprobs: Sequence[TokenLogprobs] = (),
    ) -> None:
        """Add to the job's completion and queue it; events that wait become one delta."""
        if not text and not token_ids:
            return
        pending = job.pending
        last = pending[-1] if len(pending) > job.in_flight else None
        if isinstance(last, GrowingDelta):
            last.text += text
            last.token_ids += token_ids
            last.logprobs += logprobs
        else:
            offset = len(job.token_ids)
            pending.append(GrowingDelta(offset, text, list(token_ids), list(logprobs)))
        job.text += text
        job.logprobs += logprobs
        job.token_ids += token_ids
        job.tokens_made += len(token_ids)
        self._mark(job)

    def replace(self, job: RunningJob, *, text: str, token_ids: Sequence[int]) -> None:
        """Replace the job's completion, and tell readers to discard what they have.

        Tokens that remain keep their log-probabilities.
        """
        job.text = text
        job.token_ids = list(token_ids)
        del job.logprobs[len(token_ids) :]
        del job.pending[job.in_flight :]
        self.publish(job, job.snapshot())

    def end(self, job: RunningJob, event: TerminalEvent) -> None:
        """Queue the terminal event; `job.published` is set when the stream has it."""
        job.end = event
        self.publish(job, event)

    def republish(self, job: RunningJob) -> None:
        """Write an ended job's stream again, after the broker lost it."""
        if job.end is None or job.pending:
            return
        job.last_entry_id = ""
        job.pending = [job.snapshot(), job.end]
        self._mark(job)

    async def drain(self, job: RunningJob, *, seconds: float) -> None:
        """Wait until everything queued for the job is in its stream, for at most `seconds`."""
        for _ in range(int(seconds / FLUSH_SECONDS)):
            if job not in self._dirty:
                return
            await asyncio.sleep(FLUSH_SECONDS)

    def forget(self, job: RunningJob) -> None:
        self._dirty.discard(job)

    async def run(self) -> None:
        """Flush forever, at most once in FLUSH_SECONDS."""
        seconds = 0.0
        while True:
            await self._wake.wait()
            await asyncio.sleep(max(0.0, FLUSH_SECONDS - seconds))
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._flush(self.due(now=began))
            except BROKER_ERRORS as error:
                log.warning("stream_flush_failed", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)
            seconds = time.monotonic() - began
            if self._dirty:
                self._wake.set()

    async def flush(self) -> None:
        """Write everything pending. A broker error is raised, and nothing is lost."""
        await self._flush(list(self._dirty))

    def due(self, *, now: float) -> list[RunningJob]:
        """The jobs whose events must be written `now`, by the monotonic clock."""
        before = now - choose_pace(len(self._dirty))
        return [
            job for job in self._dirty if job.tokens_written_at <= before or job.end is not None
        ]

    async def _flush(self, due: Iterable[RunningJob]) -> None:
        for job in [job for job in self._dirty if job.is_fenced]:
            self._finish(job)
        jobs = [job for job in due if job in self._dirty and _holds_lease(job)]
        try:
            for job in jobs:
                if job.is_uncertain:
                    await self._find_what_arrived(job)
            jobs = [job for job in jobs if job in self._dirty]
            began = time.monotonic()
            await self._write(jobs)
            self._metrics.flushed(jobs, seconds=time.monotonic() - began)
        except BROKER_ERRORS:
            self._metrics.flush_failed()
            for job in jobs:
                job.is_uncertain = job.in_flight > 0
                # The broker may have lost the lease with all other data, and another worker may
                # hold the lease when the broker returns.
                job.lease_renewed_at = 0.0
            raise

    async def _write(self, jobs: list[RunningJob]) -> None:
        written = await write_streams(self.redis, jobs, worker_id=self._worker_id)
        for each in written:
            self._settle(each)
        failures = [each.reply for each in written if isinstance(each.reply, Exception)]
        if failures:
            raise failures[0]

    def _settle(self, written: Written) -> None:
        """Update one job after the broker's reply.

        The job may have continued, or even ended, while its events were being sent.
        """
        job, reply = written.job, written.reply
        if isinstance(reply, Exception):
            job.is_uncertain = True
            return
        count, job.in_flight = job.in_flight, 0
        if written.is_end:
            if not reply:
                job.interrupt(Interruption.FENCED)
            self._finish(job)
        elif not reply:
            self._begin_again(job)
        else:
            job.last_entry_id = str(reply)
            del job.pending[:count]
            if not job.pending:
                self._dirty.discard(job)

    async def _find_what_arrived(self, job: RunningJob) -> None:
        """After a broken connection: drop the events that the stream already has."""
        entries = await read_entries(self.redis, job.job_id, after=job.last_entry_id)
        if not entries and job.last_entry_id and not await self.redis.exists(job.stream_key):
            self._begin_again(job)
            return
        foreign = [event for _, event in entries if _is_terminal(event) and event != job.end]
        if foreign:
            job.interrupt(Interruption.FENCED)
            self._finish(job)
            return
        del job.pending[: len(entries)]
        job.in_flight = 0
        job.is_uncertain = False
        if entries:
            job.last_entry_id = entries[-1][0]
        if not job.pending:
            self._dirty.discard(job)
            if job.end is not None:
                self._finish(job)

    def _begin_again(self, job: RunningJob) -> None:
        """Rebuild a lost stream with everything so far, once the lease is certain."""
        log.warning("stream_rebuilt", job_id=str(job.job_id))
        job.pending = [job.snapshot(), *([job.end] if job.end else [])]
        job.in_flight = 0
        job.is_uncertain = False
        job.last_entry_id = ""
        job.expiry_set_at = 0.0
        job.lease_renewed_at = 0.0

    def _finish(self, job: RunningJob) -> None:
        job.pending.clear()
        job.in_flight = 0
        job.is_uncertain = False
        self._dirty.discard(job)
        job.published.set()

    def _mark(self, job: RunningJob) -> None:
        self._dirty.add(job)
        self._wake.set()


def choose_pace(streams: int) -> float:
    """The minimum seconds between two writes of one stream while `streams` have events."""
    load = (streams - QUIET_STREAMS) / (BUSY_STREAMS - QUIET_STREAMS)
    return PACE_SECONDS * min(1.0, max(0.0, load))


def _holds_lease(job: RunningJob) -> bool:
    return time.monotonic() - job.lease_renewed_at < LEASE_SECONDS


def _is_terminal(event: Event) -> bool:
    return isinstance(event, Done | Failed | Cancelled)
