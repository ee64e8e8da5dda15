"""The text of a mail about a changed licence, written when it is sent."""

from __future__ import annotations

from django.conf import settings
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.reconsent.announcements import RECONSENT_COMPOSER
from portal.gate.licensing.domain.reconsent import changes_announced, holds_until, newest_signed
from portal.gate.licensing.models import LicenceVersion
from portal.platform.notices.domain.outbox import Letter, register_composer
from portal.platform.notices.models import Notice

SUBJECT = "Sign again: the {licence} has changed"
ENDING = "Sign again by {day}: the {licence} has changed"


def compose_reconsent(notice: Notice) -> Letter | None:
    """Say until when the recipient's signature is valid; None if they have signed meanwhile."""
    change = LicenceVersion.objects.select_related("licence").get(pk=notice.data["version"])
    person, licence = notice.recipient, change.licence
    if person is None or not person.is_active:
        return None
    signed = newest_signed(user_id=person.pk, licence_id=licence.pk)
    if signed is None or signed >= change.number:
        return None
    now = timezone.now()
    changes = list(changes_announced(at=now).filter(licence=licence).defer("text"))
    ends_at = holds_until(signed, changes)
    assert ends_at is not None  # noqa: S101 -- `change` is among the changes
    is_over = ends_at <= now
    text = render_to_string(
        "emails/access/licence_changed.txt",
        {
            "user": person,
            "change": change,
            "signed": signed,
            "ends_at": ends_at,
            "is_over": is_over,
            "is_in_force": change.effective_at <= now,
            "link": settings.SITE_URL + reverse("licensing:sign", args=[licence.slug]),
            "text_link": settings.SITE_URL
            + reverse("licensing:version", args=[licence.slug, change.number]),
            "site_url": settings.SITE_URL,
        },
    )
    subject = SUBJECT if is_over else ENDING
    title = subject.format(licence=licence.name, day=f"{ends_at:%-d %B %Y}")
    return Letter(title, text.strip() + "\n")


register_composer(RECONSENT_COMPOSER, compose_reconsent)
