"""How many engines died with a job, told from one worker to the next."""

from __future__ import annotations

from redis.asyncio import Redis

from inference_workers.broker import BROKER_ERRORS
from inference_workers.contract import STREAM_TTL_SECONDS, engine_deaths_key
from inference_workers.job import RunningJob
from inference_workers.logs import get_logger

log = get_logger(__name__)


class EngineDeaths:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def remember(self, job: RunningJob) -> None:
        """Keep the count for whoever continues the job. A broker that is away is logged."""
        key = engine_deaths_key(job.job_id)
        try:
            await self._redis.set(key, job.engine_deaths, ex=STREAM_TTL_SECONDS)
        except BROKER_ERRORS as error:
            log.warning("engine_deaths_not_kept", error=type(error).__name__)

    async def recall(self, job: RunningJob) -> None:
        """Take over what the worker before knew, if the broker still tells."""
        try:
            known = await self._redis.get(engine_deaths_key(job.job_id))
        except BROKER_ERRORS as error:
            log.warning("engine_deaths_not_known", error=type(error).__name__)
            return
        job.engine_deaths = int(known or 0)
