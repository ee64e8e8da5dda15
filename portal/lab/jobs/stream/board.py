"""The database's state of all jobs with an open stream, read for all of them together."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

import structlog
from django.db import Error as DatabaseError

from portal.lab.jobs.domain.broker_state import find_begun
from portal.lab.jobs.domain.queue import Place, view_queue
from portal.lab.jobs.domain.workers import EngineStatus, engine_status
from portal.lab.jobs.enums import FINAL_STATES, JobState
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.database import read_database

TICK_SECONDS: Final = 1.5
SILENT_SECONDS: Final = 8.0
"""A run under way that gets no token for longer than this hears what its engine does."""

log = structlog.get_logger(__name__)


@dataclass(eq=False, slots=True)
class Watch:
    """The known state of one job, renewed at every tick."""

    job_id: UUID
    deployment: str
    state: JobState | None = None
    place: Place | None = None
    asked_at: float = 0.0
    """When the last tick began, by the monotonic clock."""
    ticks: int = 0
    final_ticks: int = 0
    """Number of ticks since the row became final; the stream's own end usually comes first."""
    quiet_since: float | None = None
    """When the run's last event was written; None while it waits. The reader sets it."""
    engine: EngineStatus | None = None
    """The state of its engine, while the run is silent."""

    @property
    def quiet_seconds(self) -> float:
        """For how long a run under way has got no event."""
        return 0.0 if self.quiet_since is None else time.monotonic() - self.quiet_since


@dataclass(frozen=True)
class _Facts:
    states: Mapping[UUID, JobState]
    places: Mapping[UUID, Place] = field(default_factory=dict)


class JobBoard:
    """Belongs to one event loop; queries the database only while a job is watched."""

    def __init__(self) -> None:
        self._watches: set[Watch] = set()
        self._task: asyncio.Task[None] | None = None
        self._soon = asyncio.Event()

    @asynccontextmanager
    async def watch(self, job_id: UUID, *, deployment: str) -> AsyncIterator[Watch]:
        """Keep the watch up to date until the context is left."""
        watch = Watch(job_id, deployment)
        self._watches.add(watch)
        self._soon.set()
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="job-board")
        try:
            yield watch
        finally:
            self._watches.discard(watch)
            # The other watches learn nothing from this, so it causes no query.
            if not self._watches:
                self._soon.set()

    async def _run(self) -> None:
        try:
            await self._renew_while_watched()
        finally:
            self._task = None

    async def _renew_while_watched(self) -> None:
        while self._watches:
            self._soon.clear()
            try:
                await self._tick()
            except DatabaseError as error:
                log.warning("job_board_not_renewed", error=type(error).__name__)
            # A new watch gets its place soon, but many new ones share a query.
            await asyncio.sleep(TICK_SECONDS / 5)
            try:
                async with asyncio.timeout(TICK_SECONDS * 4 / 5):
                    await self._soon.wait()
            except TimeoutError:
                continue

    async def _tick(self) -> None:
        watches = list(self._watches)
        jobs = {watch.job_id: watch.deployment for watch in watches}
        silent = {w.deployment for w in watches if w.quiet_seconds > SILENT_SECONDS}
        asked_at = time.monotonic()
        facts, engines = await read_database(
            lambda: (read_facts(jobs), {name: engine_status(name) for name in silent})
        )
        for watch in watches:
            watch.state = facts.states.get(watch.job_id)
            watch.place = facts.places.get(watch.job_id)
            is_silent = watch.quiet_seconds > SILENT_SECONDS
            watch.engine = engines.get(watch.deployment) if is_silent else None
            watch.asked_at = asked_at
            watch.ticks += 1
            is_final = watch.state is None or watch.state in FINAL_STATES
            watch.final_ticks = watch.final_ticks + 1 if is_final else 0


def read_facts(jobs: Mapping[UUID, str]) -> _Facts:
    """States of the jobs, and places of those that wait: two queries, and three for each queue.

    A job that a worker has begun does not wait, even if its row does not say so yet.
    """
    rows = GenerationJob.objects.filter(pk__in=jobs).values_list("pk", "state")
    states = {pk: JobState(state) for pk, state in rows}
    queued = {pk for pk, state in states.items() if state == JobState.QUEUED}
    waiting = queued - find_begun(queued)
    views = {deployment: view_queue(deployment) for deployment in {jobs[pk] for pk in waiting}}
    places = {pk: place for pk in waiting if (place := views[jobs[pk]].place(pk)) is not None}
    return _Facts(states, places)


_boards: WeakKeyDictionary[asyncio.AbstractEventLoop, JobBoard] = WeakKeyDictionary()


def current_board() -> JobBoard:
    """The board of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _boards:
        _boards[loop] = JobBoard()
    return _boards[loop]
