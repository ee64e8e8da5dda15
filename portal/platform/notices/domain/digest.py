"""When digests are sent, and their text."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.urls import reverse

from portal.platform.notices.models import Notice

RULE = "\n" + "-" * 40 + "\n\n"


def next_digest_at(moment: datetime) -> datetime:
    """The first time at or after `moment` when it is NOTICE_DIGEST_HOUR:00 UTC."""
    today = moment.replace(hour=settings.NOTICE_DIGEST_HOUR, minute=0, second=0, microsecond=0)
    return today if today >= moment else today + timedelta(days=1)


def write_digest(notices: Sequence[Notice]) -> tuple[str, str]:
    """Subject and text of one mail with all of `notices`, oldest first."""
    subject = "1 notice" if len(notices) == 1 else f"{len(notices)} notices"
    parts = [f"{notice.subject}\n\n{notice.body.strip()}\n" for notice in notices]
    link = settings.SITE_URL + reverse("notices:list")
    foot = f"You chose one mail a day. Change that, or read all notices, here:\n{link}\n"
    return f"Your daily mail: {subject}", RULE.join([*parts, foot])
