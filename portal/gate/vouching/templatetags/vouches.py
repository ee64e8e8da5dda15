"""Who speaks for an applicant, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.gate.access.enums import OPEN_STATES
from portal.gate.access.models import Application
from portal.gate.vouching.domain.applicant_view import describe_vouches, needs_referee

register = template.Library()


@register.inclusion_tag("gate/vouching/summary.html")
def show_vouches(application: Application) -> dict[str, object]:
    """A line for each kind, with its state; nothing once the application is decided."""
    if application.state not in OPEN_STATES:
        return {"vouches": []}
    return {
        "vouches": describe_vouches(application, at=timezone.now()),
        "needs_referee": needs_referee(application),
    }
