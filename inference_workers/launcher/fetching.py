"""Weights that are fetched before the engine starts, with the progress in the status file."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from datetime import UTC, datetime

from inference_workers.config import LauncherSettings
from inference_workers.contract import EngineState
from inference_workers.deployments import Deployment
from inference_workers.engines.status import REFRESH_SECONDS, EngineStatus, write_status
from inference_workers.fetching.download import StoppedError
from inference_workers.fetching.fetch import fetch_weights


async def fetch(settings: LauncherSettings, deployment: Deployment, *, stop: asyncio.Event) -> bool:
    """Fetch the weights; False if `stop` was set before. Raises `LaunchError`."""
    halted = threading.Event()
    fetching = asyncio.create_task(
        asyncio.to_thread(
            fetch_weights,
            settings,
            deployment,
            report=_Reporter(settings, deployment),
            wait=halted.wait,
        )
    )
    stopping = asyncio.create_task(stop.wait())
    await asyncio.wait({fetching, stopping}, return_when=asyncio.FIRST_COMPLETED)
    stopping.cancel()
    halted.set()
    try:
        await fetching
    except StoppedError:
        return False
    return True


class _Reporter:
    """Writes the progress into the status file, as often as a supervisor would."""

    def __init__(self, settings: LauncherSettings, deployment: Deployment) -> None:
        self._settings = settings
        self._deployment = deployment
        self._began = datetime.now(UTC)
        self._written_at = -float("inf")

    def __call__(self, words: str) -> None:
        if time.monotonic() - self._written_at < REFRESH_SECONDS:
            return
        self._written_at = time.monotonic()
        status = EngineStatus(
            deployment=self._deployment.slug,
            state=EngineState.STARTING,
            since=self._began,
            updated_at=datetime.now(UTC),
            launcher_pid=os.getpid(),
            detail=words,
        )
        write_status(self._settings.status_file, status)
