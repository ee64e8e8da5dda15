"""How long one waits: positions and honest estimates."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

from django.db.models import Avg, F
from django.utils import timezone

from portal.jobs.domain.workers import EngineStatus, Readiness, engine_status
from portal.jobs.enums import JobState
from portal.jobs.models import GenerationJob

SAMPLE = 50
SAMPLE_WINDOW = timedelta(hours=1)


@dataclass(frozen=True)
class Place:
    """One job's place in its queue."""

    position: int
    estimate_seconds: int | None
    """None when nothing has been measured or no engine is there to measure."""
    engine: EngineStatus


@dataclass(frozen=True)
class QueueView:
    """One deployment's queue at a moment."""

    waiting: tuple[UUID, ...]
    running: int
    mean_seconds: float | None
    engine: EngineStatus

    def place(self, job_id: UUID) -> Place | None:
        """Where the job stands; None when it does not wait any more."""
        if job_id not in self.waiting:
            return None
        position = self.waiting.index(job_id) + 1
        return Place(position, self._estimate(position), self.engine)

    def _estimate(self, position: int) -> int | None:
        """Seconds until the job at `position` starts.

        With c sequences at a time and a mean run of m seconds, a slot falls free every m/c
        seconds; the engine's own start comes on top.
        """
        start = self._seconds_until_ready()
        if start is None:
            return None
        ahead = position - max(0, self.engine.capacity - self.running)
        if ahead <= 0:
            return start
        if self.mean_seconds is None:
            return None
        return start + math.ceil(ahead * self.mean_seconds / self.engine.capacity)

    def _seconds_until_ready(self) -> int | None:
        match self.engine.readiness:
            case Readiness.READY:
                return 0
            case Readiness.STARTING:
                return self.engine.ready_in_seconds
            case _:
                return None


def view_queue(deployment: str) -> QueueView:
    """The deployment's queue now. Never raises for a broker that is away."""
    active = GenerationJob.objects.filter(deployment=deployment)
    waiting = active.filter(state=JobState.QUEUED).order_by("created_at", "id")
    return QueueView(
        waiting=tuple(waiting.values_list("id", flat=True)),
        running=active.filter(state=JobState.RUNNING).count(),
        mean_seconds=_mean_seconds(deployment),
        engine=engine_status(deployment),
    )


def _mean_seconds(deployment: str) -> float | None:
    """Mean duration of the last finished runs of the past hour; None when there are none."""
    recent = (
        GenerationJob.objects.filter(
            deployment=deployment,
            state__in=[JobState.SUCCEEDED, JobState.CANCELLED],
            started_at__isnull=False,
            finished_at__gt=timezone.now() - SAMPLE_WINDOW,
        )
        .order_by("-finished_at")
        .annotate(duration=F("finished_at") - F("started_at"))[:SAMPLE]
    )
    mean = recent.aggregate(mean=Avg("duration"))["mean"]
    return mean.total_seconds() if mean is not None else None
