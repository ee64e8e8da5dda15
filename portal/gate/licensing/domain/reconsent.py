"""Who must sign again after a material change, and how long the old signature is valid."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from portal.gate.licensing.domain.signing import GRACE_END
from portal.gate.licensing.models import LicenceVersion, Signature


def changes_announced(*, at: datetime) -> QuerySet[LicenceVersion]:
    """Material versions after the first that are published, in force or still to come."""
    return LicenceVersion.objects.filter(is_material=True, number__gt=1, published_at__lte=at)


def changes_in_force(*, at: datetime) -> QuerySet[LicenceVersion]:
    """Announced changes that can be signed now."""
    return changes_announced(at=at).filter(effective_at__lte=at)


def unmet_change(*, user_id: int, at: datetime) -> QuerySet[LicenceVersion]:
    """The change in force that outdates the person's newest signature first, if any does.

    There is none for a licence that they never signed.
    """
    signed = Signature.objects.filter(user_id=user_id, version__licence=OuterRef("licence"))
    is_met = Exists(signed.filter(version__number__gte=OuterRef("number")))
    return (
        changes_in_force(at=at)
        .filter(Q(Exists(signed)), ~Q(is_met))
        .order_by(GRACE_END, "number")[:1]
    )


def holds_until(signed: int, changes: Iterable[LicenceVersion]) -> datetime | None:
    """When a signature on version number `signed` becomes outdated; None if no change outdates it.

    `changes` are those of one licence, as `changes_announced` finds them.
    """
    ends = [change.grace_ends_at for change in changes if change.number > signed]
    return min(ends, default=None)


def newest_signed(*, user_id: int, licence_id: int) -> int | None:
    """The number of the newest version that the person signed."""
    signed = Signature.objects.filter(user_id=user_id, version__licence=licence_id)
    numbers = signed.order_by("-version__number").values_list("version__number", flat=True)
    return numbers.first()
