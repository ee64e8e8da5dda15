"""Leases: one worker runs a job at a time, for as long as it renews its lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable
from enum import StrEnum
from uuid import UUID

from opentelemetry.trace import get_current_span
from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS, evaluate
from inference_workers.broker.scripts import CLAIM, RELEASE, RENEW
from inference_workers.contract import (
    LEASE_RENEWAL_SECONDS,
    LEASE_SECONDS,
    end_key,
    lease_key,
    recorded_key,
)
from inference_workers.job import Interruption, JobSet, RunningJob
from inference_workers.logs import get_logger
from inference_workers.metrics import WorkerMetrics

RETRY_SECONDS = 0.5
CHECKS_PER_SECOND = 10
JOBS_PER_CALL = 128
"""How many jobs one script call renews, so that it never blocks the broker for long."""

log = get_logger(__name__)


class Claim(StrEnum):
    """The result of a claim."""

    CLAIMED = "claimed"
    HELD = "held"
    """Another worker runs the job."""
    ENDED = "ended"
    """The stream has its terminal event, but the portal has not recorded it."""
    RECORDED = "recorded"


class Leases:
    def __init__(
        self, redis: Redis, *, worker_id: str, metrics: WorkerMetrics | None = None
    ) -> None:
        self._redis = redis
        self._worker_id = worker_id
        self._metrics = metrics or WorkerMetrics()

    async def claim(self, job_id: UUID) -> Claim:
        """Take the job unless another worker has it or it has ended."""
        keys = (lease_key(job_id), end_key(job_id), recorded_key(job_id))
        arguments = (self._worker_id, str(LEASE_SECONDS))
        claim = Claim(str(await evaluate(self._redis, CLAIM, keys=keys, arguments=arguments)))
        get_current_span().add_event(claim.value)
        return claim

    async def take(self, job_id: UUID) -> bool:
        """Take the lease of an ended job, to record its outcome."""
        taken = await self._redis.set(lease_key(job_id), self._worker_id, nx=True, ex=LEASE_SECONDS)
        return bool(taken)

    async def renew(self, jobs: Iterable[RunningJob]) -> None:
        """Renew all leases together; a job whose lease another worker holds is fenced."""
        renewed = list(jobs)
        if not renewed:
            return
        # The broker counts from when it receives this, which is later than now and so safe.
        asked_at = time.monotonic()
        pipeline = self._redis.pipeline(transaction=False)
        for first in range(0, len(renewed), JOBS_PER_CALL):
            batch = renewed[first : first + JOBS_PER_CALL]
            keys = [key for job in batch for key in (lease_key(job.job_id), end_key(job.job_id))]
            pipeline.eval(RENEW, len(keys), *keys, self._worker_id, str(LEASE_SECONDS))
        replies = [reply for batch in await pipeline.execute() for reply in batch]
        for job, is_ours in zip(renewed, replies, strict=True):
            if is_ours:
                job.lease_renewed_at = asked_at
            else:
                log.warning("job_fenced", job_id=str(job.job_id))
                self._metrics.lease_lost()
                job.interrupt(Interruption.FENCED)

    async def release(self, job_id: UUID) -> None:
        """Release the lease, so that another worker can take the job immediately."""
        keys = (lease_key(job_id),)
        await evaluate(self._redis, RELEASE, keys=keys, arguments=(self._worker_id,))

    async def run(self, jobs: JobSet) -> None:
        """Renew forever, and earlier than due while a lease is in doubt."""
        while True:
            try:
                await self.renew(jobs.all())
            except BROKER_ERRORS as error:
                log.warning("lease_renewal_failed", error=type(error).__name__)
                self._metrics.lease_renewal_failed()
                await asyncio.sleep(RETRY_SECONDS)
                continue
            for _ in range(round(LEASE_RENEWAL_SECONDS * CHECKS_PER_SECOND)):
                await asyncio.sleep(1 / CHECKS_PER_SECOND)
                if jobs.any_in_doubt():
                    break
