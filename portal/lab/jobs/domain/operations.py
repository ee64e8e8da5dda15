"""The state of the engines, the queues and the last failures, for operators. No prompts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import redis
from django.db.models import Count, Q
from django.utils import timezone

from inference_workers.contract import EngineState
from portal.lab.jobs.domain.measures import QueueMeasure, measure_queues
from portal.lab.jobs.domain.timings import Timings, time_runs
from portal.lab.jobs.domain.workers import EngineStatus, WorkerStatus, judge_engines, list_workers
from portal.lab.jobs.enums import ACTIVE_STATES, JobState
from portal.lab.jobs.models import GenerationJob

FAILURES = 20
PERIOD = timedelta(hours=24)


@dataclass(frozen=True)
class Queue:
    """One deployment's jobs that have not ended, and the engines that run them."""

    deployment: str
    jobs: QueueMeasure
    engine: EngineStatus
    tokens_per_second: float
    timings: Timings


@dataclass(frozen=True)
class OperationsView:
    """The operators' overview. `workers` is None if the broker does not answer."""

    at: datetime
    workers: Sequence[WorkerStatus] | None
    queues: Sequence[Queue]
    states: Mapping[JobState, int]
    """Jobs of the last 24 hours."""
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
    jobs = measure_queues()
    names = {worker.deployment for worker in workers} | set(jobs) | set(timings)
    return [
        Queue(
            deployment=name,
            jobs=jobs.get(name, QueueMeasure()),
            engine=judge_engines(own := [one for one in workers if one.deployment == name]),
            tokens_per_second=sum(worker.tokens_per_second for worker in own),
            timings=timings.get(name, Timings()),
        )
        for name in sorted(names)
    ]


def _count_states(*, since: datetime) -> dict[JobState, int]:
    rows = (
        GenerationJob.objects.filter(Q(created_at__gt=since) | Q(state__in=ACTIVE_STATES))
        .order_by()
        .values_list("state")
        .annotate(count=Count("pk"))
    )
    counts = {JobState(state): count for state, count in rows}
    return {state: counts.get(state, 0) for state in JobState}


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
