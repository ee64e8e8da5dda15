"""Handing over jobs whose engine is unavailable while another worker's engine is ready."""

from __future__ import annotations

import asyncio
import contextlib
import time

from inference_workers.broker.peers import Peers
from inference_workers.engines.monitor import EngineMonitor
from inference_workers.job import Interruption, RunningJob
from inference_workers.logs import get_logger

GRACE_SECONDS = 2.0
"""An engine that responds again within this time keeps its jobs."""
LOOK_SECONDS = 1.0
PAUSE_SECONDS = 0.5

log = get_logger(__name__)


class Failover:
    def __init__(self, monitor: EngineMonitor, peers: Peers) -> None:
        self._monitor = monitor
        self._peers = peers

    async def wait_for_engine(self, job: RunningJob) -> None:
        """Return when the engine is ready, unless the job is handed over first."""
        since = time.monotonic()
        while not self._monitor.is_ready:
            is_patient = time.monotonic() - since < GRACE_SECONDS
            if not is_patient and await self._peers.have_room():
                log.info("job_passed_on", job_id=str(job.job_id))
                job.interrupt(Interruption.HANDED_OVER)
                await asyncio.Event().wait()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._monitor.wait_until_ready(), LOOK_SECONDS)

    async def should_pass(self) -> bool:
        """Whether another worker should take a message that was just received.

        Returns True only after a pause, in which this worker's engine may come up. The pause also
        keeps this worker from taking the message again immediately.
        """
        if self._monitor.is_ready or not await self._peers.have_room():
            return False
        try:
            await asyncio.wait_for(self._monitor.wait_until_ready(), PAUSE_SECONDS)
        except TimeoutError:
            return True
        return False
