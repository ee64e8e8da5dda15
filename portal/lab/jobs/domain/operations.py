"""The state of the engines, the queues and the last failures, for operators. No prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.db.models import Count, Min, Q
from django.utils import timezone

from inference_workers.contract import EngineState
from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.timings import Timings, time_runs
from portal.lab.jobs.domain.workers import EngineStatus, WorkerStatus, judge_engines, list_workers
from portal.lab.jobs.enums import ACTIVE_STATES, JobState
from portal.lab.jobs.models import GenerationJob

FAILURES = 20
PERIOD = timedelta(hours=24)


@dataclass(frozen=True)
class Queue:
    """One deployment's jobs that have not ended."""

    deployment: str
    waiting: int
    running: int
    oldest_at: datetime | None
    missing: int
    engine: EngineStatus
    tokens_per_second: float
    timings: Timings


@dataclass(frozen=True)
class StateCount:
    """Jobs of the last 24 hours in one state."""

    state: JobState
    count: int


@dataclass(frozen=True)
class OperationsView:
    """The operators' overview. `workers` is None if the broker does not answer."""

    at: datetime
    workers: Sequence[WorkerStatus] | None
    queues: Sequence[Queue]
    states: Sequence[StateCount]
    failures: Sequence[GenerationJob]

    @property
    def tokens_per_second(self) -> float:
        return sum(worker.tokens_per_second for worker in self.workers or ())

    @property
    def ready(self) -> int:
        return sum(worker.engine is EngineState.READY for worker in self.workers or ())


def view_operations() -> OperationsView:
    """The present state, in five queries and two round trips to the broker."""
    now = timezone.now()
    try:
        workers: list[WorkerStatus] | None = list_workers()
    except redis.RedisError:
        workers = None
    return OperationsView(
        at=now,
        workers=workers,
        queues=_list_queues(workers or [], timings=time_runs(at=now)),
        states=_count_states(since=now - PERIOD),
        failures=_last_failures(),
    )


def _list_queues(workers: list[WorkerStatus], *, timings: Mapping[str, Timings]) -> list[Queue]:
    is_waiting = Q(state=JobState.QUEUED)
    rows = {
        row["deployment"]: row
        for row in GenerationJob.objects.filter(state__in=ACTIVE_STATES)
        .order_by()
        .values("deployment")
        .annotate(
            waiting=Count("pk", filter=is_waiting),
            running=Count("pk", filter=~is_waiting),
            oldest_at=Min("created_at", filter=is_waiting),
            missing=Count("pk", filter=Q(missing_since__isnull=False)),
        )
    }
    live = HostedModel.objects.filter(status=ModelStatus.LIVE).order_by()
    names = {worker.deployment for worker in workers} | set(rows) | set(timings)
    names |= set(live.values_list("deployment", flat=True))
    empty = {"waiting": 0, "running": 0, "oldest_at": None, "missing": 0}
    return [
        Queue(
            deployment=name,
            engine=judge_engines(own := [one for one in workers if one.deployment == name]),
            tokens_per_second=sum(worker.tokens_per_second for worker in own),
            timings=timings.get(name, Timings()),
            **{key: rows.get(name, empty)[key] for key in empty},
        )
        for name in sorted(names)
    ]


def _count_states(*, since: datetime) -> list[StateCount]:
    rows = (
        GenerationJob.objects.filter(Q(created_at__gt=since) | Q(state__in=ACTIVE_STATES))
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk"))
    )
    counts = {JobState(state): count for state, count in rows}
    return [StateCount(state, counts.get(state, 0)) for state in JobState]


def _last_failures() -> list[GenerationJob]:
    return list(
        GenerationJob.objects.filter(state=JobState.FAILED)
        .only(
            "id",
            "deployment",
            "failure_code",
            "failure_detail",
            "attempt",
            "worker",
            "finished_at",
            "created_at",
        )
        .order_by("-finished_at")[:FAILURES]
    )
