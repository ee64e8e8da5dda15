"""Waiting in a queue: positions and estimated times."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from typing import Any
from uuid import UUID

from django.db.models import Avg, F, FloatField
from django.db.models.fields.json import KT
from django.db.models.functions import Cast
from django.utils import timezone

from portal.lab.jobs.domain.fairness import Running, Waiting, arrange, foretell
from portal.lab.jobs.domain.workers import EngineStatus, Readiness, engine_status
from portal.lab.jobs.enums import ACTIVE_STATES, JobClass, JobState
from portal.lab.jobs.models import GenerationJob

SAMPLE = 50
SAMPLE_WINDOW = timedelta(hours=1)
OVERDUE_SHARE = 0.1
"""A run that takes longer than expected is estimated to need this share of a run more."""


@dataclass(frozen=True)
class Place:
    """One job's place in its queue."""

    position: int
    estimate_seconds: int | None
    """None if nothing was measured or no engine is there."""
    engine: EngineStatus


@dataclass(frozen=True)
class QueueView:
    """One deployment's queue at a moment."""

    waiting: tuple[UUID, ...]
    """In the order in which they will begin."""
    starts: Mapping[UUID, float] | None
    """Seconds until each begins on a ready engine; None if nothing was measured."""
    free: int
    """Slots that are free now."""
    engine: EngineStatus

    def place(self, job_id: UUID) -> Place | None:
        """The job's place; None if it no longer waits."""
        position = self._positions.get(job_id)
        if position is None:
            return None
        return Place(position, self._estimate(job_id, position), self.engine)

    @cached_property
    def _positions(self) -> Mapping[UUID, int]:
        """Computed once, since every waiting reader needs its position."""
        return {job_id: position for position, job_id in enumerate(self.waiting, start=1)}

    def _estimate(self, job_id: UUID, position: int) -> int | None:
        """Seconds until the job starts, including the start of the engine."""
        ready = self._seconds_until_ready()
        if ready is None:
            return None
        if position <= self.free:
            return ready
        if self.starts is None or job_id not in self.starts:
            return None
        return ready + math.ceil(self.starts[job_id])

    def _seconds_until_ready(self) -> int | None:
        match self.engine.readiness:
            case Readiness.READY:
                return 0
            case Readiness.STARTING:
                return self.engine.ready_in_seconds
            case _:
                return None


def view_queue(deployment: str) -> QueueView:
    """The deployment's queue now, in two queries. Does not raise if the broker is down."""
    engine = engine_status(deployment)
    pace = measure_pace(deployment)
    sent, held_back, running = _read_jobs(deployment, pace)
    waiting = [*sent, *arrange(held_back, [*running, *map(_as_running, sent)])]
    starts = foretell(waiting, running, slots=engine.capacity) if pace is not None else None
    return QueueView(
        waiting=tuple(run.id for run in waiting),
        starts=starts,
        free=max(0, engine.capacity - len(running)),
        engine=engine,
    )


def measure_pace(deployment: str) -> float | None:
    """Seconds per token of the last finished runs of the past hour; None if there are none.

    The tokens are those of `max_tokens`, which is known before a run; the mean includes early
    stops.
    """
    recent = (
        GenerationJob.objects.filter(
            deployment=deployment,
            state__in=[JobState.SUCCEEDED, JobState.CANCELLED],
            started_at__isnull=False,
            finished_at__gt=timezone.now() - SAMPLE_WINDOW,
        )
        .order_by("-finished_at")
        .annotate(
            duration=F("finished_at") - F("started_at"),
            max_tokens=Cast(KT("params__max_tokens"), FloatField()),
        )[:SAMPLE]
    )
    sums = recent.aggregate(seconds=Avg("duration"), tokens=Avg("max_tokens"))
    if sums["seconds"] is None or not sums["tokens"]:
        return None
    seconds: float = sums["seconds"].total_seconds() / sums["tokens"]
    return seconds


def _read_jobs(
    deployment: str, pace: float | None
) -> tuple[list[Waiting], list[Waiting], list[Running]]:
    """The runs whose message waits in the broker, those held back, and those that run."""
    now = timezone.now()
    rows = (
        GenerationJob.objects.filter(deployment=deployment, state__in=ACTIVE_STATES)
        .order_by("sent_at", "created_at", "id")
        .values(
            "pk", "user_id", "job_class", "state", "sent_at", "created_at", "started_at",
            "params__max_tokens",
        )
    )  # fmt: skip
    sent: list[Waiting] = []
    held_back: list[Waiting] = []
    running: list[Running] = []
    for row in rows:
        seconds = row["params__max_tokens"] * (pace or 0.0)
        if row["state"] == JobState.RUNNING:
            running.append(_read_running(row, seconds=seconds, now=now))
        else:
            (held_back if row["sent_at"] is None else sent).append(
                _read_waiting(row, seconds=seconds, now=now)
            )
    return sent, held_back, running


def _read_waiting(row: Mapping[str, Any], *, seconds: float, now: datetime) -> Waiting:
    waited = (now - row["created_at"]).total_seconds()
    return Waiting(row["pk"], row["user_id"], JobClass(row["job_class"]), waited, seconds)


def _read_running(row: Mapping[str, Any], *, seconds: float, now: datetime) -> Running:
    done = (now - row["started_at"]).total_seconds() if row["started_at"] else 0.0
    remaining = max(seconds - done, seconds * OVERDUE_SHARE)
    return Running(row["user_id"], JobClass(row["job_class"]), remaining)


def _as_running(run: Waiting) -> Running:
    return Running(run.user_id, run.job_class, run.seconds)
