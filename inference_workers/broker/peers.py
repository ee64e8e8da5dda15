"""Other workers of the same deployment, for jobs whose engine is unavailable."""

from __future__ import annotations

import time

from pydantic import ValidationError
from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.contract import WORKERS_KEY, EngineState, Heartbeat, worker_key
from inference_workers.logs import get_logger

FRESH_SECONDS = 1.0

log = get_logger(__name__)


class Peers:
    """Queries the broker at most once a second, however many jobs ask."""

    def __init__(self, redis: Redis, *, deployment: str, worker_id: str) -> None:
        self._redis = redis
        self._deployment = deployment
        self._worker_id = worker_id
        self._asked_at = -FRESH_SECONDS
        self._have_room = False

    async def have_room(self) -> bool:
        """Whether another worker has a ready engine and free slots; False if unknown."""
        now = time.monotonic()
        if now - self._asked_at >= FRESH_SECONDS:
            self._asked_at = now
            try:
                self._have_room = any(map(self._has_room, await self._read_heartbeats()))
            except BROKER_ERRORS as error:
                self._have_room = False
                log.warning("peers_not_known", error=type(error).__name__)
        return self._have_room

    async def _read_heartbeats(self) -> list[Heartbeat]:
        ids = await self._redis.zrangebyscore(WORKERS_KEY, time.time(), "+inf")
        others = [worker_key(id_) for id_ in ids if id_ != self._worker_id]
        if not others:
            return []
        beats = [_read(value) for value in await self._redis.mget(others) if value]
        return [beat for beat in beats if beat is not None]

    def _has_room(self, beat: Heartbeat) -> bool:
        return (
            beat.deployment == self._deployment
            and beat.engine is EngineState.READY
            and beat.running < beat.max_num_seqs
        )


def _read(value: str) -> Heartbeat | None:
    try:
        return Heartbeat.model_validate_json(value)
    except ValidationError:
        # Jobs cannot be handed to a worker of another version.
        return None
