"""The erasure notice for the account page, which does not depend on this app."""

from __future__ import annotations

from django import template

from portal.desk.privacy.domain.requests import pending_request
from portal.platform.accounts.models import User

register = template.Library()


@register.inclusion_tag("desk/privacy/pending.html", takes_context=True)
def show_pending_erasure(context: template.Context, user: User) -> dict[str, object]:
    """A notice with the day and a button to cancel, if the person has requested erasure."""
    return {
        "asked": pending_request(user),
        "csrf_token": context.get("csrf_token"),
        "request": context.get("request"),
    }
