"""The life of one job on this worker: claim, run, end, hand over."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from enum import Enum, auto
from typing import TypeVar
from uuid import UUID

from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.broker.control import read_reason
from inference_workers.broker.history import History, read_history, read_past
from inference_workers.broker.leases import Claim, Leases
from inference_workers.broker.outcomes import Outcomes
from inference_workers.broker.publisher import StreamPublisher
from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Done,
    Failed,
    FailureCode,
    GenerationRequest,
    Started,
    TerminalEvent,
)
from inference_workers.engines.base import Engine, EngineUnavailableError
from inference_workers.generation.generator import Generator
from inference_workers.job import Interruption, JobSet, RunningJob
from inference_workers.logs import get_logger

RETRY_SECONDS = 0.5
FREED_WITHIN_SECONDS = 2.0
FREED_POLL_SECONDS = 0.03
DRAIN_SECONDS = 3.0

T = TypeVar("T")

log = get_logger(__name__)


class JobResult(Enum):
    """The result of a delivered message."""

    FINISHED = auto()
    DROPPED = auto()
    """Another worker has the job, or it has ended; nothing was done."""
    FENCED = auto()
    HANDED_OVER = auto()
    """Put the message back; another worker continues."""


class JobRunner:
    """Runs jobs. Of two calls for the same job, one runs it and the other is dropped."""

    def __init__(
        self,
        redis: Redis,
        *,
        engine: Engine,
        generator: Generator,
        publisher: StreamPublisher,
        leases: Leases,
        jobs: JobSet,
        outcomes: Outcomes,
        worker_id: str,
    ) -> None:
        self._redis = redis
        self._engine = engine
        self._generator = generator
        self._publisher = publisher
        self._leases = leases
        self._jobs = jobs
        self._outcomes = outcomes
        self._worker_id = worker_id
        self._claiming: set[UUID] = set()
        self._is_closing = False

    async def run_job(self, request: GenerationRequest) -> JobResult:
        """Run the job to its terminal event, or leave it to the worker that has it."""
        if self._is_closing:
            return JobResult.HANDED_OVER
        job_id = request.job_id
        if job_id in self._claiming or self._jobs.get(job_id) is not None:
            return JobResult.DROPPED
        if await self._generator.relay.should_pass():
            return JobResult.HANDED_OVER
        job = RunningJob(request)
        self._claiming.add(job_id)
        try:
            claim = await self._ask_broker(lambda: self._leases.claim(job_id))
            if claim is Claim.CLAIMED:
                job.lease_renewed_at = time.monotonic()
                self._jobs.add(job)
        finally:
            self._claiming.discard(job_id)
        if claim is Claim.ENDED:
            return await self._record_end(job)
        if claim is not Claim.CLAIMED:
            log.info("job_dropped", job_id=str(job_id), claim=claim.value)
            return JobResult.DROPPED
        return await self._run_claimed(job)

    def hand_over_all(self) -> None:
        """Stop every running job so that another worker can continue it."""
        self._is_closing = True
        for job in self._jobs.running():
            job.interrupt(Interruption.HANDED_OVER)

    async def _run_claimed(self, job: RunningJob) -> JobResult:
        log.info("job_claimed", job_id=str(job.job_id), attempt=job.request.attempt)
        past = await self._ask_broker(lambda: read_past(self._redis, job.job_id))
        self._take_up(job, past.history)
        job.engine_deaths, job.proof_tokens = past.engine_deaths, past.proof_tokens
        if job.end is None:
            end = await self._work(job, cancelled=past.cancelled)
            if end is None:
                return await self._leave(job)
            self._publisher.end(job, end)
        else:
            job.published.set()
        await job.published.wait()
        if job.is_fenced:
            self._jobs.discard(job)
            return JobResult.FENCED
        log.info("job_ended", job_id=str(job.job_id), end=job.end.type if job.end else None)
        self._outcomes.deliver(job)
        return JobResult.FINISHED

    def _take_up(self, job: RunningJob, history: History) -> None:
        """Start from the state that the job's readers have."""
        job.last_entry_id = history.last_entry_id
        job.text = history.text
        job.token_ids = list(history.token_ids)
        job.logprobs = list(history.logprobs)
        job.scored = history.scored
        job.rows = dict(history.rows)
        job.end = history.end
        if history.started is not None:
            job.prompt_tokens = history.started.prompt_tokens
        if not history.is_whole and job.end is None:
            self._publisher.replace(job, text=job.text, token_ids=job.token_ids)

    async def _record_end(self, job: RunningJob) -> JobResult:
        """Record an ended job that the portal has missed, with its outcome from the stream."""
        history = await self._ask_broker(lambda: read_history(self._redis, job.job_id))
        if history.end is None:
            return JobResult.DROPPED
        if not await self._ask_broker(lambda: self._leases.take(job.job_id)):
            return JobResult.DROPPED
        job.lease_renewed_at = time.monotonic()
        self._take_up(job, history)
        self._jobs.add(job)
        self._outcomes.deliver(job)
        return JobResult.FINISHED

    async def _work(self, job: RunningJob, *, cancelled: str | None) -> TerminalEvent | None:
        """Generate until the end, the deadline or an interruption; None if it does not end here."""
        left = (job.request.deadline_at - datetime.now(UTC)).total_seconds()
        if left <= 0:
            return Failed(code=FailureCode.DEADLINE_EXCEEDED)
        # If the key was set after it was read, a control message follows and finds the job.
        if cancelled is not None:
            job.cancel(read_reason(cancelled))
        result = await self._generate_until_interrupted(job, seconds=left)
        if result is not None:
            return result
        if job.interruption is Interruption.CANCELLED:
            return await self._confirm_cancel(job)
        if job.interruption is not None:
            return None
        return Failed(code=FailureCode.DEADLINE_EXCEEDED)

    async def _generate_until_interrupted(
        self, job: RunningJob, *, seconds: float
    ) -> TerminalEvent | None:
        """The generation's end, or None if an interruption or the deadline came first."""
        if job.interrupted.is_set():
            return None
        work = asyncio.create_task(self._generate(job))
        interrupted = asyncio.create_task(job.interrupted.wait())
        try:
            await asyncio.wait(
                {work, interrupted}, timeout=seconds, return_when=asyncio.FIRST_COMPLETED
            )
        finally:
            is_done = work.done()
            interrupted.cancel()
            work.cancel()
            results = await asyncio.gather(work, interrupted, return_exceptions=True)
        return _judge(job, results[0]) if is_done else None

    async def _generate(self, job: RunningJob) -> Done | Failed:
        failure = await self._generator.prepare(job)
        if failure is not None:
            return failure
        self._publisher.publish(
            job,
            Started(
                worker=self._worker_id,
                attempt=job.request.attempt,
                prompt_tokens=job.prompt_tokens,
            ),
        )
        self._outcomes.announce_start(job)
        return await self._generator.complete(job)

    async def _confirm_cancel(self, job: RunningJob) -> Cancelled:
        """Wait until the engine counts one request less; the event has the time this took."""
        freed_ms = None
        with suppress(EngineUnavailableError, TimeoutError):
            patience = job.cancelled_at + FREED_WITHIN_SECONDS - time.monotonic()
            async with asyncio.timeout(patience):
                await self._wait_until_freed()
                freed_ms = round((time.monotonic() - job.cancelled_at) * 1000)
        return Cancelled(reason=job.cancel_reason or CancelReason.USER, freed_ms=freed_ms)

    async def _wait_until_freed(self) -> None:
        """Return when the engine counts no more requests than this worker's streams."""
        while True:
            load = await self._engine.load()
            if load.running + load.waiting <= self._generator.streams:
                return
            await asyncio.sleep(FREED_POLL_SECONDS)

    async def _leave(self, job: RunningJob) -> JobResult:
        """Give up the job: silently if fenced; after writing everything if handed over."""
        if job.is_fenced:
            self._publisher.forget(job)
            self._jobs.discard(job)
            return JobResult.FENCED
        await self._publisher.drain(job, seconds=DRAIN_SECONDS)
        self._publisher.forget(job)
        self._jobs.discard(job)
        try:
            await self._leases.release(job.job_id)
        except BROKER_ERRORS:
            log.warning("lease_not_released", job_id=str(job.job_id))
        log.info("job_handed_over", job_id=str(job.job_id))
        return JobResult.HANDED_OVER

    async def _ask_broker(self, ask: Callable[[], Awaitable[T]]) -> T:
        """Repeat the call until the broker responds."""
        while True:
            try:
                return await ask()
            except BROKER_ERRORS as error:
                log.warning("broker_does_not_answer", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)


def _judge(job: RunningJob, result: object) -> TerminalEvent:
    if isinstance(result, Done | Failed):
        return result
    # A bug in this program: the job ends with a code, and the operator gets the trace.
    error = result if isinstance(result, BaseException) else None
    log.error("job_crashed", job_id=str(job.job_id), exc_info=error)
    return Failed(code=FailureCode.ENGINE_ERROR, detail=type(result).__name__)
