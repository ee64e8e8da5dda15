"""The mail about an erasure request, put into the outbox in the request's transaction."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse

from portal.desk.privacy.models import ErasureRequest
from portal.platform.notices.domain.outbox import post

SUBJECTS: Final = {
    "requested": "Your account will be erased on {day}",
    "taken_back": "Your account will not be erased",
}
"""Subjects by template in `templates/emails/privacy`."""


def mail_person(name: str, asked: ErasureRequest) -> None:
    """Post one mail to the person who made the request, in the caller's transaction."""
    context = {
        "user": asked.person,
        "asked": asked,
        "site_url": settings.SITE_URL,
        "link": settings.SITE_URL + reverse("privacy:erase"),
    }
    text = render_to_string(f"emails/privacy/erasure_{name}.txt", context)
    post(
        asked.person,
        kind=f"privacy.erasure_{name}",
        subject=SUBJECTS[name].format(day=f"{asked.due_at:%-d %B %Y}"),
        body=text.strip() + "\n",
        about=f"user:{asked.person_id}",
    )
