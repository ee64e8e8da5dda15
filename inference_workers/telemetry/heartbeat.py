"""Reports to the portal every 2 seconds what this worker and its engine are doing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from redis.asyncio import Redis

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.contract import (
    HEARTBEAT_SECONDS,
    HEARTBEAT_TTL_SECONDS,
    WORKERS_KEY,
    EngineState,
    Heartbeat,
    worker_key,
)
from inference_workers.deployments import Deployment
from inference_workers.engines.base import Engine, EngineLoad, EngineUnavailableError
from inference_workers.engines.monitor import EngineMonitor
from inference_workers.generation.throughput import Throughput
from inference_workers.job import JobSet
from inference_workers.logs import get_logger
from inference_workers.telemetry.energy import EnergyCounter
from inference_workers.telemetry.provenance import ProvenanceReader

log = get_logger(__name__)


class HeartbeatSender:
    def __init__(
        self,
        redis: Redis,
        *,
        engine: Engine,
        monitor: EngineMonitor,
        jobs: JobSet,
        throughput: Throughput,
        deployment: Deployment,
        energy: EnergyCounter,
        provenance: ProvenanceReader | None = None,
        worker_id: str,
    ) -> None:
        self._provenance = provenance
        self._known_since: datetime | None = None
        self._redis = redis
        self._engine = engine
        self._monitor = monitor
        self._jobs = jobs
        self._throughput = throughput
        self._deployment = deployment
        self._energy = energy
        self._worker_id = worker_id
        self._started_at = datetime.now(UTC)

    async def run(self) -> None:
        while True:
            try:
                await self.beat()
            except BROKER_ERRORS as error:
                log.warning("heartbeat_failed", error=type(error).__name__)
            await asyncio.sleep(HEARTBEAT_SECONDS)

    async def beat(self) -> None:
        """Send one heartbeat."""
        heartbeat = await self.build()
        expires_at = time.time() + HEARTBEAT_TTL_SECONDS
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.set(
            worker_key(self._worker_id), heartbeat.model_dump_json(), ex=HEARTBEAT_TTL_SECONDS
        )
        pipeline.zadd(WORKERS_KEY, {self._worker_id: expires_at})
        # Dead workers leave their ids behind; living workers remove them.
        pipeline.zremrangebyscore(WORKERS_KEY, "-inf", time.time() - HEARTBEAT_TTL_SECONDS)
        await pipeline.execute()

    async def say_goodbye(self) -> None:
        """Remove this worker immediately, instead of when the heartbeat expires."""
        pipeline = self._redis.pipeline(transaction=False)
        pipeline.delete(worker_key(self._worker_id))
        pipeline.zrem(WORKERS_KEY, self._worker_id)
        try:
            await pipeline.execute()
        except BROKER_ERRORS:
            log.warning("goodbye_failed")

    async def build(self) -> Heartbeat:
        """The heartbeat to send now."""
        deployment, monitor = self._deployment, self._monitor
        load = EngineLoad(running=0, waiting=0)
        if monitor.state is EngineState.READY:
            await self._find_provenance()
            try:
                load = await self._engine.load()
            except EngineUnavailableError:
                monitor.doubt()
        # A driver may be slow.
        energy = await asyncio.to_thread(self._energy.read, monitor.state)
        return Heartbeat(
            worker=self._worker_id,
            deployment=deployment.queue_name,
            model=deployment.model_name,
            engine=monitor.state,
            engine_since=monitor.since,
            ready_in_seconds=monitor.ready_in_seconds(),
            tensor_parallel_size=deployment.tensor_parallel_size,
            pipeline_parallel_size=deployment.pipeline_parallel_size,
            max_num_seqs=deployment.max_num_seqs,
            max_model_len=deployment.max_model_len,
            max_logprobs=deployment.max_logprobs,
            max_tokens=deployment.max_tokens,
            provenance=self._provenance.known if self._provenance else None,
            running=len(self._jobs.running()),
            waiting=min(load.waiting, len(self._jobs.running())),
            tokens_per_second=self._throughput.rate(),
            kv_cache_usage=load.kv_cache_usage,
            energy_source=energy.source,
            energy_joules=energy.joules,
            power_watts=energy.watts,
            started_at=self._started_at,
            sent_at=datetime.now(UTC),
        )

    async def _find_provenance(self) -> None:
        """Read it once after each time the engine becomes ready, since it may be another engine."""
        if self._provenance is None or self._known_since == self._monitor.since:
            return
        if await self._provenance.read() is not None:
            self._known_since = self._monitor.since
