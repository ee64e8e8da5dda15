"""Warnings to people that somebody is trying to sign in to their account."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.template.loader import render_to_string

from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.enums import TryKind
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import post
from portal.platform.notices.models import Notice

KIND: Final = "accounts.tries"
QUIET: Final = timedelta(hours=6)
"""The shortest time between two warnings to one person."""


def warn_of_tries(user: User, *, kind: TryKind, address: str, at: datetime) -> bool:
    """Post a warning to a confirmed address; False within QUIET of the last one."""
    if not is_email_verified(user):
        return False
    with transaction.atomic():
        User.objects.select_for_update(no_key=True).get(pk=user.pk)
        recent = Notice.objects.filter(recipient=user, kind=KIND, created_at__gt=at - QUIET)
        if recent.exists():
            return False
        context = {"user": user, "kind": kind, "address": address, "at": at}
        context["site_url"] = settings.SITE_URL
        post(
            user,
            kind=KIND,
            subject="Somebody is trying to sign in to your account",
            body=render_to_string("emails/accounts/tries.txt", context).strip() + "\n",
            about=f"user:{user.pk}",
        )
    return True
