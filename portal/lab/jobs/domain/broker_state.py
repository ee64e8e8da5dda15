"""What the broker knows about the active jobs, read for all of them in a few round trips."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import redis

from inference_workers.contract import end_key, lease_key, queue_for, stream_key
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.redis import sync_redis

QUEUED_IDS: Final = """
-- KEYS queue. The job ids of all waiting messages; prompts stay in the broker.
local ids = {}
for _, raw in ipairs(redis.call('LRANGE', KEYS[1], 0, -1)) do
  local ok, message = pcall(cjson.decode, raw)
  if ok and message.headers and message.headers.id then
    ids[#ids + 1] = string.match(message.headers.id, '^[^:]+')
  end
end
return ids
"""


@dataclass(frozen=True)
class BrokerState:
    """The broker's state of one job."""

    leased_to: str | None
    is_queued: bool
    is_streamed: bool
    is_ended: bool


def look_up(jobs: Iterable[GenerationJob]) -> dict[UUID, BrokerState]:
    """The broker's state of each job; raises `redis.RedisError` if the broker does not answer."""
    jobs = list(jobs)
    client = sync_redis()
    # Queues before leases: a message taken meanwhile is seen in the queue or has a lease.
    queued: set[str] = set()
    for deployment in {job.deployment for job in jobs}:
        queued.update(cast("list[str]", client.eval(QUEUED_IDS, 1, queue_for(deployment))))
    pipeline = client.pipeline(transaction=False)
    for job in jobs:
        pipeline.get(lease_key(job.pk))
        pipeline.exists(stream_key(job.pk))
        pipeline.exists(end_key(job.pk))
    replies = iter(pipeline.execute())
    return {
        job.pk: BrokerState(
            leased_to=next(replies),
            is_queued=str(job.pk) in queued,
            is_streamed=bool(next(replies)),
            is_ended=bool(next(replies)),
        )
        for job in jobs
    }


def find_begun(job_ids: Iterable[UUID]) -> set[UUID]:
    """The jobs that a worker is already streaming, even if their rows do not say so yet.

    Empty if the broker does not answer.
    """
    ids = list(job_ids)
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        for job_id in ids:
            pipeline.exists(lease_key(job_id))
            pipeline.exists(stream_key(job_id))
        replies = iter(pipeline.execute())
    except redis.RedisError:
        return set()
    return {job_id for job_id in ids if all([next(replies), next(replies)])}
