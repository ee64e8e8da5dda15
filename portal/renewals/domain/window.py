"""When a grant can be renewed: from some weeks before its end until some after."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models import QuerySet

from portal.access.enums import GrantState
from portal.access.models import Grant
from portal.accounts.models import User


def renewable_grants(holder: User, *, at: datetime) -> QuerySet[Grant]:
    """The person's grants whose renewal can be handed in now, soonest end first."""
    return (
        Grant.objects.filter(
            user=holder,
            state=GrantState.ACTIVE,
            starts_at__lte=at,
            ends_at__lte=at + timedelta(days=settings.RENEWAL_WINDOW_DAYS),
            ends_at__gt=at - timedelta(days=settings.RENEWAL_LATE_DAYS),
        )
        .select_related("model", "application")
        .order_by("ends_at", "model__name")
    )


def closes_at(grant: Grant) -> datetime:
    """Until when a renewal of the grant can be handed in."""
    return grant.ends_at + timedelta(days=settings.RENEWAL_LATE_DAYS)
