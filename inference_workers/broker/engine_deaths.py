"""Engine deaths that a job was involved in, for the worker that continues it."""

from __future__ import annotations

from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.contract import STREAM_TTL_SECONDS, engine_deaths_key, proof_tokens_key
from inference_workers.job import RunningJob
from inference_workers.logs import get_logger

log = get_logger(__name__)


async def remember_deaths(redis: Redis, job: RunningJob) -> None:
    """Store the job's engine deaths for `history.read_past`. Broker errors are logged."""
    pipeline = redis.pipeline(transaction=False)
    pipeline.set(engine_deaths_key(job.job_id), job.engine_deaths, ex=STREAM_TTL_SECONDS)
    pipeline.set(proof_tokens_key(job.job_id), job.proof_tokens, ex=STREAM_TTL_SECONDS)
    try:
        await pipeline.execute()
    except BROKER_ERRORS as error:
        log.warning("engine_deaths_not_kept", error=type(error).__name__)
