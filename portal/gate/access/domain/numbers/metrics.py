"""Metrics of the process over a period: volumes, waits, decisions, and grants about to end."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from django.db.models import Count, Q, QuerySet
from django.db.models.functions import TruncWeek
from django_countries import countries

from portal.gate.access.domain.numbers.waits import (
    Percentile,
    StageWaits,
    list_answers,
    measure_stages,
    to_hours,
)
from portal.gate.access.enums import ApplicationState, Command, GrantState, ReasonCode, Sector
from portal.gate.access.models import Application, Grant, Step

SMALL_CELL: Final = 5
"""A share of fewer decisions than this says more about single people than about the process."""
EXPIRING: Final = (7, 30, 90)
"""Days ahead for which ending grants are counted."""


@dataclass(frozen=True)
class Week:
    """What happened in the week that begins on Monday, `start`; waits are those of its answers."""

    start: datetime
    submitted: int
    approved: int
    rejected: int
    returned: int
    median_hours: float | None
    p90_hours: float | None


@dataclass(frozen=True)
class Share:
    """How applications of one kind were decided. `is_small` ones are not broken down further."""

    label: str
    approved: int
    rejected: int

    @property
    def decided(self) -> int:
        return self.approved + self.rejected

    @property
    def is_small(self) -> bool:
        return self.decided < SMALL_CELL

    @property
    def percent(self) -> float | None:
        """The percentage of the decided that were approved; None for a small cell."""
        return None if self.is_small else round(100 * self.approved / self.decided, 1)


@dataclass(frozen=True)
class Reason:
    """How often a reason was given with a command."""

    label: str
    rejected: int
    returned: int


@dataclass(frozen=True)
class Expiry:
    """Grants of one model that end within 7, 30 and 90 days, each counting the ones before."""

    model: str
    within: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class Metrics:
    """All of a period's numbers."""

    weeks: list[Week]
    stages: list[StageWaits]
    countries: list[Share]
    sectors: list[Share]
    reasons: list[Reason]
    expiring: list[Expiry]


def measure_process(*, since: datetime, until: datetime) -> Metrics:
    """The numbers of a period, in seven queries, however much happened.

    Decisions that were taken back do not count. An application counts once in a share, by its
    current state, in the period of its decision.
    """
    return Metrics(
        weeks=_measure_weeks(since=since, until=until),
        stages=measure_stages(since=since, until=until),
        countries=_share_by("country", _name_country, since=since, until=until),
        sectors=_share_by("sector", _name_sector, since=since, until=until),
        reasons=_count_reasons(since=since, until=until),
        expiring=_count_expiring(at=until),
    )


def _measure_weeks(*, since: datetime, until: datetime) -> list[Week]:
    submitted = dict(
        Step.objects.filter(command=Command.SUBMIT, at__gt=since, at__lte=until)
        .annotate(week=TruncWeek("at"))
        .order_by("week")
        .values("week")
        .annotate(count=Count("pk"))
        .values_list("week", "count")
    )
    answers = {
        row["week"]: row
        for row in list_answers(since=since, until=until)
        .annotate(week=TruncWeek("made_at"))
        .order_by("week")
        .values("week")
        .annotate(
            approved=Count("pk", filter=Q(step__command=Command.APPROVE)),
            rejected=Count("pk", filter=Q(step__command=Command.REJECT)),
            returned=Count("pk", filter=Q(step__command=Command.RETURN)),
            median=Percentile("waited", 0.5),
            p90=Percentile("waited", 0.9),
        )
    }
    return [
        Week(
            start=week,
            submitted=submitted.get(week, 0),
            approved=answers[week]["approved"] if week in answers else 0,
            rejected=answers[week]["rejected"] if week in answers else 0,
            returned=answers[week]["returned"] if week in answers else 0,
            median_hours=to_hours(answers[week]["median"]) if week in answers else None,
            p90_hours=to_hours(answers[week]["p90"]) if week in answers else None,
        )
        for week in _fill_weeks({*submitted, *answers})
    ]


def _fill_weeks(found: set[datetime]) -> Iterable[datetime]:
    """Every week from the first to the last of those found, including empty ones."""
    if not found:
        return
    week = min(found)
    while week <= max(found):
        yield week
        week += timedelta(weeks=1)


def _share_by(
    field: str, name: Callable[[str], str], *, since: datetime, until: datetime
) -> list[Share]:
    """Largest first; cells below `SMALL_CELL` are merged, so that none shows a person."""
    decided = Application.objects.filter(
        decided_at__gt=since,
        decided_at__lte=until,
        state__in=[ApplicationState.APPROVED, ApplicationState.REJECTED],
    )
    rows = (
        decided.order_by(field)
        .values_list(field)
        .annotate(
            approved=Count("pk", filter=Q(state=ApplicationState.APPROVED)),
            rejected=Count("pk", filter=Q(state=ApplicationState.REJECTED)),
        )
    )
    shares = [Share(name(value), approved, rejected) for value, approved, rejected in rows]
    shown = [share for share in shares if not share.is_small]
    small = [share for share in shares if share.is_small]
    if small:
        label = f"Others, {len(small)} with fewer than {SMALL_CELL} each"
        shown.append(Share(label, sum(s.approved for s in small), sum(s.rejected for s in small)))
    return sorted(shown, key=lambda share: (share.label.startswith("Others"), -share.decided))


def _count_reasons(*, since: datetime, until: datetime) -> list[Reason]:
    rows = (
        list_answers(since=since, until=until)
        .filter(step__command__in=[Command.REJECT, Command.RETURN])
        .order_by("reason_code")
        .values_list("reason_code")
        .annotate(
            rejected=Count("pk", filter=Q(step__command=Command.REJECT)),
            returned=Count("pk", filter=Q(step__command=Command.RETURN)),
        )
    )
    reasons = [
        Reason(str(ReasonCode(code).label) if code else "None given", rejected, returned)
        for code, rejected, returned in rows
    ]
    return sorted(reasons, key=lambda reason: -(reason.rejected + reason.returned))


def _count_expiring(*, at: datetime) -> list[Expiry]:
    ending: QuerySet[Grant] = Grant.objects.filter(
        state=GrantState.ACTIVE,
        ends_at__gt=at,
        ends_at__lte=at + timedelta(days=EXPIRING[-1]),
    )
    counts = {
        f"within_{days}": Count("pk", filter=Q(ends_at__lte=at + timedelta(days=days)))
        for days in EXPIRING
    }
    rows = ending.order_by("model__name").values("model__name").annotate(**counts)
    return [
        Expiry(row["model__name"], tuple(row[f"within_{days}"] for days in EXPIRING))
        for row in rows
    ]


def _name_country(code: str) -> str:
    return str(countries.name(code)) or "Not stated"


def _name_sector(sector: str) -> str:
    return str(Sector(sector).label) if sector else "Not stated"
