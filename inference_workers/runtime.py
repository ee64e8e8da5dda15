"""The event loop beside Celery's threads: each task thread submits its job and waits."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable

import uvloop

from inference_workers.contract import GenerationRequest
from inference_workers.lifecycle import JobResult
from inference_workers.logs import get_logger
from inference_workers.worker import Worker

START_SECONDS = 30
STOP_SECONDS = 15

log = get_logger(__name__)


class Runtime:
    """Owns the loop's thread. Every public method may be called from any thread."""

    def __init__(self, build_worker: Callable[[], Worker], *, grace_seconds: float) -> None:
        self._build_worker = build_worker
        self._grace_seconds = grace_seconds
        self._loop = uvloop.new_event_loop()
        self._thread = threading.Thread(target=self._run_loop, name="runtime", daemon=True)
        self._worker: Worker | None = None

    def start(self) -> None:
        """Start the loop, and the worker inside it."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._start_worker(), self._loop).result(START_SECONDS)

    def run_job(self, request: GenerationRequest, *, traceparent: str = "") -> JobResult:
        """Run the job on the loop and wait for its end."""
        running = self._require_worker().run_job(request, traceparent=traceparent)
        return asyncio.run_coroutine_threadsafe(running, self._loop).result()

    def begin_shutdown(self) -> None:
        """Let running jobs finish within the grace period, then hand over the rest."""
        log.info("shutdown_begun", grace_seconds=self._grace_seconds)
        self._loop.call_soon_threadsafe(
            lambda: self._loop.call_later(self._grace_seconds, self._require_worker().hand_over_all)
        )

    def stop(self) -> None:
        """Close the worker and end the loop; safe to call twice."""
        if not self._thread.is_alive():
            return
        closing = asyncio.run_coroutine_threadsafe(self._require_worker().close(), self._loop)
        try:
            closing.result(STOP_SECONDS)
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join(STOP_SECONDS)

    async def _start_worker(self) -> None:
        self._worker = self._build_worker()
        await self._worker.start()

    def _run_loop(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        finally:
            self._loop.close()

    def _require_worker(self) -> Worker:
        if self._worker is None:
            raise RuntimeError("the runtime has not been started")
        return self._worker
