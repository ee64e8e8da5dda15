"""How long answers take, measured from the answers themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, TypeAlias

from django.db.models import (
    Aggregate,
    Count,
    DateTimeField,
    DurationField,
    ExpressionWrapper,
    F,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
)
from django.db.models.expressions import CombinedExpression

from portal.gate.access.enums import Command
from portal.gate.access.models import Ruling, Step

Span: TypeAlias = "F | ExpressionWrapper[CombinedExpression]"
WINDOW = timedelta(days=90)
FEWEST: Final = 10
"""The fewest answers for a public number: of fewer, a 90th percentile says nothing."""


class Percentile(Aggregate):
    """PostgreSQL's `percentile_cont`: the value below which a fraction of the rows lies."""

    function = "PERCENTILE_CONT"
    template = "%(function)s(%(fraction)s) WITHIN GROUP (ORDER BY %(expressions)s)"

    def __init__(self, expression: str | Span, fraction: float, **extra: Any) -> None:
        super().__init__(expression, fraction=fraction, output_field=DurationField(), **extra)


def _between(start: str, end: str) -> Span:
    return ExpressionWrapper(F(end) - F(start), output_field=DurationField())


SPANS: Final[Mapping[str, Span]] = {
    "waited": F("waited"),
    "to_claim": _between("sent", "taken_up"),
    "on_desk": _between("taken_up", "made_at"),
    "to_second": _between("endorsed", "made_at"),
    "with_applicant": _between("made_at", "sent_again"),
}
"""The duration of each stage."""
ONLY: Final[Mapping[str, Q]] = {"with_applicant": Q(command=Command.RETURN)}
"""Stages that only some answers begin."""
MOST_ANSWERS: Final = 1_000_000


@dataclass(frozen=True)
class Waits:
    """Hours from a submission to its answer, over `answers` answers of a period."""

    answers: int
    median_hours: float
    p90_hours: float

    @property
    def can_be_told(self) -> bool:
        return self.answers >= FEWEST

    @property
    def median(self) -> str:
        return _say_hours(self.median_hours)

    @property
    def p90(self) -> str:
        return _say_hours(self.p90_hours)


@dataclass(frozen=True)
class StageWaits:
    """How long one stage of the process took; `waits` is None if nothing passed it."""

    name: str
    label: str
    waits: Waits | None


STAGES: Final[Mapping[str, str]] = {
    "waited": "From submission to answer",
    "to_claim": "Of that, until a reviewer claims it",
    "on_desk": "Of that, from the claim to the answer",
    "to_second": "Of that, from a first approval to the answer of the second reviewer",
    "with_applicant": "From a return to the next submission",
}
"""Each stage that `measure_stages` measures, and its label in a table."""


def measure_waits(*, at: datetime) -> Waits | None:
    """Median and 90th percentile wait for an answer (return, approval, refusal) given in the
    90 days before `at`; None when there was none. Answers that were taken back do not count.
    """
    return _measure(list_answers(since=at - WINDOW, until=at), "waited")["waited"]


def list_answers(*, since: datetime, until: datetime) -> QuerySet[Ruling]:
    """Answers that were given after `since` and up to `until`, and not taken back."""
    return Ruling.objects.filter(made_at__gt=since, made_at__lte=until, taken_back_at=None)


def measure_stages(*, since: datetime, until: datetime) -> list[StageWaits]:
    """The waits of every stage over the answers of a period, in one query.

    A stage is counted at the answer that ends it, or, with the applicant, at the return that
    begins it. `measure_waits` is the first of them over 90 days.
    """
    answers = list_answers(since=since, until=until).annotate(
        sent=ExpressionWrapper(F("made_at") - F("waited"), output_field=DateTimeField()),
        command=F("step__command"),
    )
    answers = answers.annotate(
        taken_up=_first_step(Command.CLAIM),
        endorsed=_first_step(Command.ENDORSE),
        sent_again=Subquery(
            Step.objects.filter(
                application=OuterRef("step__application"),
                command=Command.SUBMIT,
                at__gt=OuterRef("made_at"),
            )
            .order_by("at")
            .values("at")[:1]
        ),
    )
    # The limit makes PostgreSQL look up each step once, not for every number made of it.
    measured = _measure(answers[:MOST_ANSWERS], *STAGES)
    return [StageWaits(name, label, measured[name]) for name, label in STAGES.items()]


def _first_step(command: Command) -> Subquery:
    """When `command` was first given between the submission and the answer."""
    steps = Step.objects.filter(
        application=OuterRef("step__application"),
        command=command,
        at__gte=OuterRef("sent"),
        at__lte=OuterRef("made_at"),
    )
    return Subquery(steps.order_by("at").values("at")[:1])


def _measure(answers: QuerySet[Ruling], *names: str) -> dict[str, Waits | None]:
    """Count, median and p90 of each stage, by name, in one query."""
    asked: dict[str, Aggregate] = {}
    for name in names:
        duration, rows = SPANS[name], ONLY.get(name)
        asked[f"{name}_count"] = Count(duration, filter=rows)
        asked[f"{name}_median"] = Percentile(duration, 0.5, filter=rows)
        asked[f"{name}_p90"] = Percentile(duration, 0.9, filter=rows)
    found = answers.aggregate(**asked)
    return {name: _read(found, name) for name in names}


def _read(found: Mapping[str, Any], name: str) -> Waits | None:
    if not found[f"{name}_count"]:
        return None
    return Waits(
        answers=found[f"{name}_count"],
        median_hours=to_hours(found[f"{name}_median"]),
        p90_hours=to_hours(found[f"{name}_p90"]),
    )


def _say_hours(hours: float) -> str:
    return f"{hours:,} h" if hours >= 1 else "an hour"


def to_hours(wait: timedelta) -> float:
    """Hours, to one decimal place."""
    return round(wait.total_seconds() / 3600, 1)
