"""What is said of erasure on the account's page, which knows nothing of it."""

from __future__ import annotations

from django import template

from portal.desk.privacy.domain.requests import pending_request
from portal.platform.accounts.models import User

register = template.Library()


@register.inclusion_tag("desk/privacy/pending.html", takes_context=True)
def show_pending_erasure(context: template.Context, user: User) -> dict[str, object]:
    """A notice with the day and the way back, if the person has asked to be erased."""
    return {
        "asked": pending_request(user),
        "csrf_token": context.get("csrf_token"),
        "request": context.get("request"),
    }
