"""Totals of a person's runs of the last 30 days: by day, by model, and by API key or playground."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any, Final

from django.db.models import Count, Max, QuerySet, Sum
from django.db.models.functions import Coalesce, TruncDate

from portal.gate.keys.domain.text import shown_part
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User

DAYS: Final = 30


@dataclass(frozen=True)
class Sums:
    """Runs, and the tokens of those that ended."""

    runs: int
    prompt_tokens: int
    completion_tokens: int


@dataclass(frozen=True)
class DayUsage:
    """One day in UTC, also without runs."""

    day: date
    sums: Sums


@dataclass(frozen=True)
class NamedUsage:
    """One model, or one key with its origin as `door`; `shown` is the visible part of the key."""

    name: str
    sums: Sums
    last_at: datetime
    door: str = ""
    shown: str = ""


@dataclass(frozen=True)
class UsageHistory:
    """Days oldest first; models and keys by the tokens they used, most first."""

    days: tuple[DayUsage, ...]
    models: tuple[NamedUsage, ...]
    doors: tuple[NamedUsage, ...]

    @property
    def is_empty(self) -> bool:
        return not self.models

    @property
    def most_runs_a_day(self) -> int:
        return max(day.sums.runs for day in self.days)


def read_usage(user: User, *, at: datetime) -> UsageHistory:
    """The last 30 days in UTC, today included; three queries."""
    today = at.astimezone(UTC).date()
    first = today - timedelta(days=DAYS - 1)
    since = datetime(first.year, first.month, first.day, tzinfo=UTC)
    runs = GenerationJob.objects.filter(user=user, created_at__gte=since)
    by_day = {
        row["day"]: _sums(row)
        for row in _add_up(runs.annotate(day=TruncDate("created_at", tzinfo=UTC)).values("day"))
    }
    days = [first + timedelta(days=number) for number in range(DAYS)]
    return UsageHistory(
        days=tuple(DayUsage(day, by_day.get(day, Sums(0, 0, 0))) for day in days),
        models=_ranked(
            NamedUsage(name=row["model__name"], sums=_sums(row), last_at=row["last_at"])
            for row in _add_up(runs.values("model__name"))
        ),
        doors=_ranked(map(_describe_door, _add_up(runs.values(*_DOOR)))),
    )


_DOOR: Final = ("origin", "call__key__name", "call__key__lookup")


def _add_up(groups: QuerySet[GenerationJob, Any]) -> list[dict[str, Any]]:
    return list(
        groups.annotate(
            runs=Count("pk"),
            prompt=Coalesce(Sum("prompt_tokens"), 0),
            completion=Coalesce(Sum("completion_tokens"), 0),
            last_at=Max("created_at"),
        ).order_by()
    )


def _describe_door(row: dict[str, Any]) -> NamedUsage:
    door = str(Origin(row["origin"]).label)
    lookup = row["call__key__lookup"]
    return NamedUsage(
        name=row["call__key__name"] or door,
        sums=_sums(row),
        last_at=row["last_at"],
        door=door,
        shown=shown_part(lookup) if lookup else "",
    )


def _sums(row: dict[str, Any]) -> Sums:
    return Sums(row["runs"], row["prompt"], row["completion"])


def _ranked(rows: Iterable[NamedUsage]) -> tuple[NamedUsage, ...]:
    def weight(row: NamedUsage) -> tuple[int, int, str]:
        tokens = row.sums.prompt_tokens + row.sums.completion_tokens
        return -tokens, -row.sums.runs, row.name

    return tuple(sorted(rows, key=weight))
