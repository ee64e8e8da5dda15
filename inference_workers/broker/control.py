"""Learn that a job must stop: immediately by a message, or within a second by polling."""

from __future__ import annotations

import asyncio

from pydantic import ValidationError
from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.contract import CancelReason, ControlMessage, cancel_key, control_channel
from inference_workers.job import JobSet, RunningJob
from inference_workers.logs import get_logger

POLL_SECONDS = 1.0
RETRY_SECONDS = 0.5

log = get_logger(__name__)


class Control:
    def __init__(self, redis: Redis, jobs: JobSet, *, deployment: str) -> None:
        self._redis = redis
        self._jobs = jobs
        self._channel = control_channel(deployment)

    async def look(self, jobs: list[RunningJob]) -> None:
        """Cancel the jobs that have a cancel key."""
        if not jobs:
            return
        values = await self._redis.mget([cancel_key(job.job_id) for job in jobs])
        for job, value in zip(jobs, values, strict=True):
            if value is not None:
                job.cancel(read_reason(value))

    async def poll(self) -> None:
        """Poll every running job's key forever, so that a lost message costs at most a second."""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                await self.look(self._jobs.running())
            except BROKER_ERRORS as error:
                log.warning("cancel_poll_failed", error=type(error).__name__)

    async def listen(self) -> None:
        """Act on control messages forever."""
        while True:
            try:
                async with self._redis.pubsub(ignore_subscribe_messages=True) as pubsub:
                    await pubsub.subscribe(self._channel)
                    while True:
                        message = await pubsub.get_message(timeout=POLL_SECONDS)
                        if message is not None:
                            await self._listen(message["data"])
            except BROKER_ERRORS as error:
                log.warning("control_channel_lost", error=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _listen(self, data: str) -> None:
        try:
            job = self._jobs.get(ControlMessage.model_validate_json(data).job_id)
        except ValidationError:
            log.warning("control_message_not_understood")
            return
        if job is not None and job.end is None:
            await self.look([job])


def read_reason(value: str) -> CancelReason:
    """The reason in a cancel key; an unknown one, from a newer portal, counts as `USER`."""
    try:
        return CancelReason(value)
    except ValueError:
        return CancelReason.USER
