"""How referees and officials answer."""

from __future__ import annotations

from datetime import datetime
from typing import Final

from django.db.models import Count, DurationField, ExpressionWrapper, F, Q

from portal.gate.access.domain.numbers.tables import MetricTable
from portal.gate.access.domain.numbers.waits import Percentile, to_hours
from portal.gate.vouching.enums import Answer, VouchKind
from portal.gate.vouching.models import VouchRequest

_WAIT: Final = ExpressionWrapper(F("answered_at") - F("sent_at"), output_field=DurationField())


def tabulate_response(*, since: datetime, until: datetime) -> MetricTable:
    """Of the links sent in a period: how many were answered, how, and how soon. One query."""
    measured = {
        row["kind"]: row
        for row in VouchRequest.objects.filter(sent_at__gt=since, sent_at__lte=until)
        .order_by("kind")
        .values("kind")
        .annotate(
            asked=Count("pk"),
            answered=Count("pk", filter=Q(answered_at__isnull=False)),
            confirmed=Count("pk", filter=Q(answer=Answer.CONFIRM)),
            median=Percentile(_WAIT, 0.5, filter=Q(answered_at__isnull=False)),
        )
    }
    return MetricTable(
        "response",
        "Answers of referees and officials",
        "People whose last link was sent in the period; hours from that link to the answer.",
        ("Asked", "Links", "Answered", "Confirmed", "Answered, %", "Median hours"),
        tuple(
            (
                kind.label,
                row["asked"],
                row["answered"],
                row["confirmed"],
                round(100 * row["answered"] / row["asked"], 1),
                to_hours(row["median"]) if row["median"] is not None else None,
            )
            if (row := measured.get(kind))
            else (kind.label, 0, 0, 0, None, None)
            for kind in VouchKind
        ),
        share=4,
    )
