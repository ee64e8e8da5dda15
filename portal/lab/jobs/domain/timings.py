"""Waiting times and times to the first token, as percentiles of the last hour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.contrib.postgres.fields import ArrayField
from django.db.models import Aggregate, Count, F, FloatField, Q
from django.db.models.functions import Extract

from portal.lab.jobs.models import GenerationJob

PERIOD: Final = timedelta(hours=1)


@dataclass(frozen=True)
class Percentiles:
    """Seconds; None if nothing was measured."""

    median: float | None = None
    p95: float | None = None


@dataclass(frozen=True)
class Timings:
    """One deployment's runs that ended in the last hour."""

    runs: int = 0
    wait: Percentiles = Percentiles()
    """From acceptance to the worker's start."""
    first_token: Percentiles = Percentiles()
    """From the worker's start to the first token."""


class MedianAnd95(Aggregate):
    """PostgreSQL's interpolated percentiles 50 and 95."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(ARRAY[0.5, 0.95]) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = ArrayField(FloatField())


def time_runs(*, at: datetime) -> dict[str, Timings]:
    """Timings by deployment, in one query."""
    wait = Extract(F("started_at") - F("created_at"), "epoch")
    rows = (
        GenerationJob.objects.filter(finished_at__gt=at - PERIOD, started_at__isnull=False)
        .order_by()
        .values("deployment")
        .annotate(
            runs=Count("pk"),
            # A job that was sent again has waited more than once.
            wait=MedianAnd95(wait, filter=Q(attempt=1)),
            first_token_ms=MedianAnd95(F("first_token_ms")),
        )
    )
    return {
        row["deployment"]: Timings(
            runs=row["runs"],
            wait=_read(row["wait"]),
            first_token=_read(row["first_token_ms"], unit=1000.0),
        )
        for row in rows
    }


def _read(pair: list[float] | None, *, unit: float = 1.0) -> Percentiles:
    if not pair or pair[0] is None:
        return Percentiles()
    return Percentiles(pair[0] / unit, pair[1] / unit)
