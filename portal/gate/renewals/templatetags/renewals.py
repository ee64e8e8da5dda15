"""Renewals and statements, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.gate.renewals.domain.handing_in import open_renewal
from portal.gate.renewals.domain.statements import owed_grants
from portal.gate.renewals.domain.window import renewable_grants
from portal.platform.accounts.models import User

register = template.Library()


@register.inclusion_tag("gate/renewals/panel.html")
def show_renewals(user: User) -> dict[str, object]:
    """The renewal under way, else what can be renewed; and the statements that are owed."""
    now = timezone.now()
    renewal = open_renewal(user)
    return {
        "renewal": renewal,
        "renewed_grants": renewal.grants.select_related("model") if renewal else [],
        "renewable": [] if renewal else list(renewable_grants(user, at=now)),
        "owed": list(owed_grants(at=now).filter(user=user)),
        "now": now,
    }
