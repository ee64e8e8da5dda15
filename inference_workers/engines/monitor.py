"""Track whether the engine takes requests, and let jobs wait until it does."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime

from inference_workers.config import LauncherSettings
from inference_workers.contract import EngineState
from inference_workers.deployments import Deployment
from inference_workers.engines.base import Engine
from inference_workers.engines.status import EngineStatus, read_status
from inference_workers.logs import get_logger

PROBE_SECONDS = 2.0
PROBE_SECONDS_WHILE_DOWN = 0.5
PATIENCE = 3
"""Without a launcher's status, an engine counts as starting for this many expected starts."""

log = get_logger(__name__)


class EngineMonitor:
    """The engine's state as of the last probe."""

    def __init__(
        self, engine: Engine, *, settings: LauncherSettings, deployment: Deployment
    ) -> None:
        self._engine = engine
        self._settings = settings
        self._deployment = deployment
        self._ready = asyncio.Event()
        self._doubt = asyncio.Event()
        self.state = EngineState.STARTING
        self.since = datetime.now(UTC)
        self._status: EngineStatus | None = None
        self._was_ready = False

    @property
    def is_ready(self) -> bool:
        return self._ready.is_set()

    @property
    def restarts(self) -> int:
        """How often the launcher has restarted the engine; 0 if it reports nothing."""
        return self._status.restarts if self._status is not None else 0

    async def wait_until_ready(self) -> None:
        await self._ready.wait()

    def doubt(self) -> None:
        """After a failure, let no job through before the next probe, and probe now."""
        self._ready.clear()
        self._doubt.set()

    def ready_in_seconds(self) -> int | None:
        """An estimate while starting, from the last start if one is known; at least 1."""
        if self.state is not EngineState.STARTING:
            return None
        expected: float = self._deployment.expected_start_seconds
        since = self.since
        if self._status is not None:
            expected = self._status.last_start_seconds or expected
            since = self._status.since
        return max(1, round(expected - (datetime.now(UTC) - since).total_seconds()))

    async def run(self) -> None:
        """Probe forever."""
        while True:
            await self.probe()
            seconds = PROBE_SECONDS if self._ready.is_set() else PROBE_SECONDS_WHILE_DOWN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._doubt.wait(), seconds)

    async def probe(self) -> None:
        self._doubt.clear()
        is_healthy = await self._engine.is_healthy()
        # Off the event loop, because a file on a network disk may be slow.
        self._status = await asyncio.to_thread(read_status, self._settings.status_file)
        if is_healthy:
            self._was_ready = True
            self._enter(EngineState.READY)
            if not self._doubt.is_set():
                self._ready.set()
            return
        self._ready.clear()
        self._enter(self._judge_unhealthy())

    def _judge_unhealthy(self) -> EngineState:
        if self._status is not None and not self._status.is_stale:
            known = self._status.state
            return EngineState.STARTING if known is EngineState.STARTING else EngineState.DOWN
        if self._was_ready:
            return EngineState.DOWN
        age = (datetime.now(UTC) - self.since).total_seconds()
        patience = PATIENCE * self._deployment.expected_start_seconds
        if self.state is EngineState.STARTING and age < patience:
            return EngineState.STARTING
        return EngineState.DOWN

    def _enter(self, state: EngineState) -> None:
        if state is not self.state:
            self.state = state
            self.since = datetime.now(UTC)
            log.info("engine_state_changed", state=state.value)
