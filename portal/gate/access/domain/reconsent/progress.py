"""How many people have signed a changed licence again."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, IntegerField, OuterRef, QuerySet, Subquery, Value
from django.db.models.functions import Coalesce

from portal.gate.licensing.domain.reconsent import changes_in_force
from portal.gate.licensing.models import LicenceVersion, Signature


@dataclass(frozen=True)
class Progress:
    """The newest change of a licence: how many of its active signers have signed it."""

    version: LicenceVersion
    signed: int
    signers: int


def measure_progress(*, at: datetime) -> list[Progress]:
    """One entry for each licence that was materially changed, by name; one query."""
    signers = Signature.objects.filter(version__licence=OuterRef("licence"), user__is_active=True)
    changes = (
        changes_in_force(at=at)
        .select_related("licence")
        .defer("text")
        .annotate(
            signed=_count(signers.filter(version__number__gte=OuterRef("number"))),
            signers=_count(signers),
        )
        .order_by("licence", "-number")
        .distinct("licence")
    )
    found = [Progress(change, change.signed, change.signers) for change in changes]
    return sorted(found, key=lambda progress: progress.version.licence.name)


def _count(signatures: QuerySet[Signature]) -> Coalesce:
    people: QuerySet[Signature, Any] = signatures.order_by().values("version__licence")
    counted = people.annotate(people=Count("user", distinct=True)).values("people")
    return Coalesce(Subquery(counted, output_field=IntegerField()), Value(0))
