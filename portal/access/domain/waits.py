"""How long answers take, from the answers themselves."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Aggregate, Count, DurationField

from portal.access.models import Ruling

WINDOW = timedelta(days=90)


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont`: the value below which a fraction of the rows lies."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: str, fraction: float) -> None:
        super().__init__(expression, fraction=fraction, output_field=DurationField())


@dataclass(frozen=True)
class Waits:
    """Hours from a submission to its answer, over `answers` answers of the last 90 days."""

    answers: int
    median_hours: float
    p90_hours: float


def measure_waits(*, at: datetime) -> Waits | None:
    """Median and 90th percentile wait for an answer (return, approval, refusal) given in the
    90 days before `at`; None when there was none. Answers that were taken back do not count.
    """
    measured = Ruling.objects.filter(
        made_at__gt=at - WINDOW, made_at__lte=at, taken_back_at=None
    ).aggregate(
        answers=Count("pk"), median=Percentile("waited", 0.5), p90=Percentile("waited", 0.9)
    )
    if not measured["answers"]:
        return None
    return Waits(
        answers=measured["answers"],
        median_hours=_hours(measured["median"]),
        p90_hours=_hours(measured["p90"]),
    )


def _hours(wait: timedelta) -> float:
    return round(wait.total_seconds() / 3600, 1)
