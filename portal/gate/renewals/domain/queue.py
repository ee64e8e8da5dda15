"""Finding renewals and owed statements, for the reviewers' lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Prefetch, Q, QuerySet

from portal.gate.access.models import Grant
from portal.gate.renewals.domain.statements import owed_grants
from portal.gate.renewals.enums import RenewalCommand
from portal.gate.renewals.models import Renewal, RenewalStep


def find_renewals(*, states: Sequence[str] = (), text: str = "") -> QuerySet[Renewal]:
    """Renewals, oldest first, with their grants and models prefetched.

    Each has `is_endorsed`: whether a first reviewer approved the current report.
    """
    endorsed = RenewalStep.objects.filter(
        renewal=OuterRef("pk"),
        command=RenewalCommand.ENDORSE,
        at__gte=OuterRef("submitted_at"),
    )
    found = Renewal.objects.filter(submitted_at__isnull=False)
    if states:
        found = found.filter(state__in=states)
    if text:
        of_case = Grant.objects.filter(
            renewals=OuterRef("pk"), application__case_number__icontains=text
        )
        found = found.filter(
            Q(holder__name__icontains=text) | Q(holder__email__icontains=text) | Exists(of_case)
        )
    grants = Prefetch("grants", Grant.objects.select_related("model", "application"))
    return (
        found.annotate(is_endorsed=Exists(endorsed))
        .select_related("holder", "claimed_by")
        .prefetch_related(grants)
        .order_by("submitted_at", "pk")
    )


def find_owed(*, at: datetime) -> QuerySet[Grant]:
    """Grants whose holders owe a statement, the longest owed first."""
    return owed_grants(at=at).order_by("ends_at", "pk")
