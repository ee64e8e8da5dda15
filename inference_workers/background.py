"""Coroutines that run for as long as their worker."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable

from inference_workers.logs import get_logger

RESTART_SECONDS = 1.0
CANCEL_AGAIN_SECONDS = 0.2

log = get_logger(__name__)


async def keep_running(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a coroutine that should never end; if an exception ends it, log that and restart it."""
    while True:
        try:
            await work()
        except Exception:
            log.exception("background_task_crashed", task=name)
            await asyncio.sleep(RESTART_SECONDS)


async def end_tasks(tasks: Iterable[asyncio.Task[None]]) -> None:
    """Cancel the tasks and wait until they have ended.

    Cancels repeatedly if needed: redis-py loses a cancellation that arrives while it connects.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
