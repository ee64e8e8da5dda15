"""The portal's side of a job's stream: ending, reading and erasing it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, cast
from uuid import UUID

import redis
import structlog

from inference_workers.contract import (
    EVENT,
    STREAM_TTL_SECONDS,
    TerminalEvent,
    end_key,
    recorded_key,
    row_key,
    stream_key,
)
from portal.lab.jobs.domain.completion import Completion, fold
from portal.platform.core.redis import sync_redis

PORTAL: Final = "portal"
RECORDED_SECONDS: Final = 86_400
"""Longer than the broker can still redeliver a message of a recorded job."""

END: Final = """
-- KEYS end, stream; ARGV who, event, seconds. 1 if this call has ended the stream.
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'EX', ARGV[3]) then return 0 end
redis.call('XADD', KEYS[2], '*', 'e', ARGV[2])
redis.call('EXPIRE', KEYS[2], ARGV[3])
return 1
"""

log = structlog.get_logger(__name__)


def publish_ends(job_ids: Sequence[UUID], event: TerminalEvent) -> None:
    """End the jobs' streams that have no end yet, and shut out any worker.

    Call it after the rows are final. One round trip. If the broker is down, that is logged, and
    readers get the end from the row.
    """
    text, seconds = event.model_dump_json(), str(STREAM_TTL_SECONDS)
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        for job_id in job_ids:
            pipeline.eval(END, 2, end_key(job_id), stream_key(job_id), PORTAL, text, seconds)
            pipeline.set(recorded_key(job_id), "1", ex=RECORDED_SECONDS)
        pipeline.execute()
    except redis.RedisError as error:
        log.warning("ends_not_published", job_ids=_write(job_ids), error=type(error).__name__)


def mark_recorded(job_id: UUID) -> None:
    """Tell the worker that the outcome is in the database."""
    try:
        sync_redis().set(recorded_key(job_id), "1", ex=RECORDED_SECONDS)
    except redis.RedisError as error:
        log.warning("recorded_not_marked", job_id=str(job_id), error=type(error).__name__)


def read_stream(job_id: UUID) -> Completion:
    """The completion in the job's stream, up to the first gap; raises `redis.RedisError`."""
    entries = cast("list[tuple[str, dict[str, str]]]", sync_redis().xrange(stream_key(job_id)))
    return fold(EVENT.validate_json(fields["e"]) for _, fields in entries)


def reopen_stream(job_id: UUID) -> None:
    """Delete an end mark whose event the stream has lost, so that a worker may continue."""
    sync_redis().delete(end_key(job_id))


def erase_streams(positions: Mapping[UUID, Sequence[int]]) -> None:
    """Remove the jobs' streams from the broker, and their distributions at these positions."""
    if not positions:
        return
    rows = [row_key(job_id, each) for job_id, own in positions.items() for each in own]
    try:
        sync_redis().delete(*map(stream_key, positions), *rows)
    except redis.RedisError as error:
        log.warning("streams_not_erased", job_ids=_write(positions), error=type(error).__name__)


def _write(job_ids: Iterable[UUID]) -> list[str]:
    return [str(job_id) for job_id in job_ids]
