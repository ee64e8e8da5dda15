"""Send each job's outcome to the portal until the database has it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

from kombu.exceptions import OperationalError
from redis.asyncio import Redis

from inference_workers.background import end_tasks
from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.broker.leases import Leases
from inference_workers.broker.publisher import StreamPublisher
from inference_workers.contract import (
    TASK_RECORD_OUTCOME,
    TASK_RECORD_STARTED,
    JobOutcome,
    JobsStarted,
    JobStarted,
    Message,
    Provenance,
    recorded_key,
    stream_key,
)
from inference_workers.job import JobSet, RunningJob
from inference_workers.logs import get_logger
from inference_workers.metrics import WorkerMetrics

REPEAT_SECONDS = 3.0
GIVE_UP_SECONDS = 600.0
GATHER_SECONDS = 0.1
"""Starts within this time share one message; one message each would slow down a burst."""

Send = Callable[[str, Message], None]
"""Send one task with one argument to the portal's queue. May block; raises broker errors."""

log = get_logger(__name__)


class Outcomes:
    """Delivers outcomes at least once; the portal keeps the first."""

    def __init__(
        self,
        redis: Redis,
        *,
        send: Send,
        publisher: StreamPublisher,
        leases: Leases,
        jobs: JobSet,
        worker_id: str,
        metrics: WorkerMetrics | None = None,
        provenance: Callable[[], Provenance | None] = lambda: None,
    ) -> None:
        self._redis = redis
        self._send = send
        self._provenance = provenance
        self._publisher = publisher
        self._leases = leases
        self._jobs = jobs
        self._worker_id = worker_id
        self._metrics = metrics or WorkerMetrics()
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="outcomes")
        self._tasks: set[asyncio.Task[None]] = set()
        self._starts: list[JobStarted] = []

    def announce_start(self, job: RunningJob) -> None:
        """Tell the portal once, soon, that the job runs; its reaper notices if this is lost."""
        if not self._starts:
            self._spawn(self._announce_soon())
        self._starts.append(
            JobStarted(
                job_id=job.job_id,
                worker=self._worker_id,
                attempt=job.request.attempt,
                started_at=datetime.now(UTC),
                prompt_tokens=job.prompt_tokens,
            )
        )

    def deliver(self, job: RunningJob) -> None:
        """Send the outcome, and again every few seconds until the portal has recorded it.

        Meanwhile this worker keeps the job's lease, and writes its stream again if the broker
        loses it. After 10 minutes the job is left to the portal's reaper.
        """
        self._metrics.job_ended(job)
        self._spawn(self._deliver(job))

    async def close(self) -> None:
        """Stop repeating. The next worker reads outcomes not yet recorded from the stream."""
        await end_tasks(self._tasks)
        self._executor.shutdown(wait=False, cancel_futures=True)

    def _spawn(self, coroutine: Coroutine[None, None, None]) -> None:
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _announce_soon(self) -> None:
        await asyncio.sleep(GATHER_SECONDS)
        await self._announce()

    async def _announce(self) -> None:
        starts, self._starts = self._starts, []
        if starts:
            await self._try_to_send(TASK_RECORD_STARTED, JobsStarted(starts=tuple(starts)))

    async def _deliver(self, job: RunningJob) -> None:
        # The portal must learn of the start before the end.
        await self._announce()
        outcome = self._build_outcome(job)
        give_up_at = time.monotonic() + GIVE_UP_SECONDS
        try:
            while time.monotonic() < give_up_at:
                await self._try_to_send(TASK_RECORD_OUTCOME, outcome)
                if await self._wait_until_recorded(job):
                    return
            log.error("outcome_not_recorded", job_id=str(job.job_id))
        finally:
            self._jobs.discard(job)
            self._publisher.forget(job)
            await self._release(job)

    async def _wait_until_recorded(self, job: RunningJob) -> bool:
        """Check, for REPEAT_SECONDS, whether the portal has recorded or ended the job."""
        due = time.monotonic() + REPEAT_SECONDS
        while time.monotonic() < due:
            await asyncio.sleep(min(0.25, REPEAT_SECONDS))
            if job.is_fenced:
                return True
            try:
                if await self._redis.exists(recorded_key(job.job_id)):
                    return True
                if not await self._redis.exists(stream_key(job.job_id)):
                    self._publisher.republish(job)
            except BROKER_ERRORS:
                continue
        return False

    async def _release(self, job: RunningJob) -> None:
        try:
            await self._leases.release(job.job_id)
        except BROKER_ERRORS:
            log.warning("lease_not_released", job_id=str(job.job_id))

    async def _try_to_send(self, task: str, message: Message) -> None:
        loop = asyncio.get_running_loop()
        try:
            await loop.run_in_executor(self._executor, self._send, task, message)
        except (*BROKER_ERRORS, OperationalError) as error:
            log.warning("portal_not_told", task=task, error=type(error).__name__)

    def _build_outcome(self, job: RunningJob) -> JobOutcome:
        if job.end is None:
            raise ValueError("the job has not ended")
        return JobOutcome(
            job_id=job.job_id,
            worker=self._worker_id,
            attempt=job.request.attempt,
            finished_at=datetime.now(UTC),
            end=job.end,
            text=job.text,
            token_ids=tuple(job.token_ids),
            usage=job.usage,
            first_token_ms=job.first_token_ms,
            prompt_token_ids=job.prompt_ids,
            logprobs=tuple(job.logprobs),
            prompt_logprobs=job.scored.logprobs if job.scored else (),
            provenance=self._provenance(),
        )
