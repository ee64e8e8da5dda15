"""When a grant can be renewed: from some weeks before its end until some after."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.platform.accounts.models import User


def renewable_grants(holder: User, *, at: datetime) -> QuerySet[Grant]:
    """The person's own grants whose renewal can be submitted now, soonest end first."""
    return (
        Grant.objects.filter(
            user=holder,
            lead=None,
            state=GrantState.ACTIVE,
            starts_at__lte=at,
            ends_at__lte=at + timedelta(days=settings.RENEWAL_WINDOW_DAYS),
            ends_at__gt=at - timedelta(days=settings.RENEWAL_LATE_DAYS),
        )
        .select_related("model", "application")
        .order_by("ends_at", "model__name")
    )


def closes_at(grant: Grant) -> datetime:
    """The moment until which a renewal of the grant can be submitted."""
    return grant.ends_at + timedelta(days=settings.RENEWAL_LATE_DAYS)
