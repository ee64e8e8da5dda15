"""What a job has to do with the deaths of engines, told from one worker to the next."""

from __future__ import annotations

from redis.asyncio import Redis

from inference_workers.broker import BROKER_ERRORS
from inference_workers.contract import STREAM_TTL_SECONDS, engine_deaths_key, proof_tokens_key
from inference_workers.job import PROOF_TOKENS, RunningJob
from inference_workers.logs import get_logger

log = get_logger(__name__)


class EngineDeaths:
    def __init__(self, redis: Redis) -> None:
        self._redis = redis

    async def remember(self, job: RunningJob) -> None:
        """Keep it for whoever continues the job. A broker that is away is logged."""
        deaths, proof = _keys(job)
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(deaths, job.engine_deaths, ex=STREAM_TTL_SECONDS)
        pipeline.set(proof, job.proof_tokens, ex=STREAM_TTL_SECONDS)
        try:
            await pipeline.execute()
        except BROKER_ERRORS as error:
            log.warning("engine_deaths_not_kept", error=type(error).__name__)

    async def recall(self, job: RunningJob) -> None:
        """Take over what the worker before knew, if the broker still tells."""
        try:
            deaths, proof = await self._redis.mget(_keys(job))
        except BROKER_ERRORS as error:
            log.warning("engine_deaths_not_known", error=type(error).__name__)
            return
        job.engine_deaths = int(deaths or 0)
        job.proof_tokens = int(proof or PROOF_TOKENS)


def _keys(job: RunningJob) -> tuple[str, str]:
    return engine_deaths_key(job.job_id), proof_tokens_key(job.job_id)
