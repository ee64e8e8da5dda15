"""Figures of all jobs from their rows, for Prometheus.

Counts and histograms cover the jobs that ended since midnight UTC: exact, the same in every
process, and bounded. Prometheus treats the drop at midnight as a restart.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from django.db.models import Count, F, FloatField, Min, Q, Sum
from django.db.models.expressions import Combinable
from django.db.models.functions import Extract

from portal.gate.catalog.enums import ModelStatus
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.enums import ACTIVE_STATES, FINAL_STATES, JobState
from portal.lab.jobs.models import GenerationJob

WAIT_SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 1800.0)
RUN_SECONDS: Final = (0.5, 1.0, 2.5, 5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 320.0, 900.0)


@dataclass(frozen=True)
class QueueMeasure:
    """One deployment's jobs that have not ended."""

    waiting: int = 0
    running: int = 0
    missing: int = 0
    oldest_at: datetime | None = None


@dataclass(frozen=True)
class Distribution:
    """`counts` has one number for each bound, not cumulative, and one for values above all."""

    bounds: Sequence[float]
    counts: Sequence[int]
    sum: float


@dataclass(frozen=True)
class JobMeasures:
    """By deployment; `ended` by deployment, state and failure code."""

    queues: Mapping[str, QueueMeasure]
    ended: Mapping[tuple[str, str, str], int]
    waits: Mapping[str, Distribution]
    runs: Mapping[str, Distribution]


def measure_jobs(*, at: datetime) -> JobMeasures:
    """The figures at a moment, in three queries."""
    since = at.replace(hour=0, minute=0, second=0, microsecond=0)
    rows = _read_ended(since=since)
    names = {row["deployment"] for row in rows}
    return JobMeasures(
        queues=measure_queues(),
        ended={
            (row["deployment"], row["state"], row["failure_code"]): row["count"] for row in rows
        },
        waits={name: _distribute(rows, name, "wait", WAIT_SECONDS) for name in names},
        runs={name: _distribute(rows, name, "run", RUN_SECONDS) for name in names},
    )


def measure_queues() -> dict[str, QueueMeasure]:
    """Every deployment with a job or a live model, so that zeros are reported; two queries."""
    is_waiting = Q(state=JobState.QUEUED)
    rows = (
        GenerationJob.objects.filter(state__in=ACTIVE_STATES)
        .order_by()
        .values("deployment")
        .annotate(
            waiting=Count("pk", filter=is_waiting),
            running=Count("pk", filter=~is_waiting),
            oldest_at=Min("created_at", filter=is_waiting),
            missing=Count("pk", filter=Q(missing_since__isnull=False)),
        )
    )
    live = HostedModel.objects.filter(status=ModelStatus.LIVE).order_by()
    queues = dict.fromkeys(live.values_list("deployment", flat=True), QueueMeasure())
    queues |= {row.pop("deployment"): QueueMeasure(**row) for row in rows}
    return {name: queues[name] for name in sorted(queues)}


def _read_ended(*, since: datetime) -> list[dict[str, Any]]:
    wait, run = F("started_at") - F("created_at"), F("finished_at") - F("started_at")
    # A job that was sent again has waited more than once, but its row has only the last start.
    waited = Q(started_at__isnull=False, attempt=1)
    ran = Q(started_at__isnull=False)
    return list(
        GenerationJob.objects.filter(finished_at__gte=since, state__in=FINAL_STATES)
        .order_by()
        .alias(wait=wait, run=run)
        .values("deployment", "state", "failure_code")
        .annotate(
            count=Count("pk"),
            wait_sum=Sum(_seconds(wait), filter=waited),
            run_sum=Sum(_seconds(run), filter=ran),
            **_count_below("wait", WAIT_SECONDS, among=waited),
            **_count_below("run", RUN_SECONDS, among=ran),
        )
    )


def _seconds(duration: Combinable) -> Extract:
    # Django would round to whole seconds.
    return Extract(duration, "epoch", output_field=FloatField())


def _count_below(name: str, bounds: Sequence[float], *, among: Q) -> dict[str, Count]:
    below = {
        f"{name}_{index}": Count(
            "pk", filter=among & Q(**{f"{name}__lte": timedelta(seconds=bound)})
        )
        for index, bound in enumerate(bounds)
    }
    return {**below, f"{name}_{len(bounds)}": Count("pk", filter=among)}


def _distribute(
    rows: list[dict[str, Any]], deployment: str, name: str, bounds: Sequence[float]
) -> Distribution:
    own = [row for row in rows if row["deployment"] == deployment]
    cumulated = [sum(row[f"{name}_{index}"] for row in own) for index in range(len(bounds) + 1)]
    counts = [high - low for low, high in zip([0, *cumulated], cumulated, strict=False)]
    return Distribution(bounds, counts, float(sum(row[f"{name}_sum"] or 0 for row in own)))
