"""Waits for the database to catch up with a stream that has ended."""

from __future__ import annotations

import asyncio
from typing import Final
from uuid import UUID

import redis
from asgiref.sync import sync_to_async

from inference_workers.contract import end_key, recorded_key
from portal.platform.core.redis import sync_redis

PATIENCE_SECONDS: Final = 2.0
LOOK_SECONDS: Final = 0.05


async def wait_until_recorded(job_id: UUID) -> None:
    """Wait until an ended run's outcome is in its row; return immediately if the run continues.

    A client may request the receipt just after a run's end, while the outcome is still in the
    queue. Gives up after PATIENCE_SECONDS: the row is then shown as it is.
    """
    for _ in range(round(PATIENCE_SECONDS / LOOK_SECONDS)):
        if not await sync_to_async(_is_under_way, thread_sensitive=False)(job_id):
            return
        await asyncio.sleep(LOOK_SECONDS)


def _is_under_way(job_id: UUID) -> bool:
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        pipeline.exists(end_key(job_id))
        pipeline.exists(recorded_key(job_id))
        has_ended, is_recorded = pipeline.execute()
    except redis.RedisError:
        return False
    return bool(has_ended) and not is_recorded
