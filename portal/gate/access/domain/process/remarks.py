"""Remarks among reviewers, never shown to the applicant."""

from __future__ import annotations

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import (
    is_outsider,
    require_role,
)
from portal.gate.access.enums import Role
from portal.gate.access.models import Application, Remark
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import post

ASKED = "access.remark_asked"
"""Kind of the notice to a colleague who is asked."""


@transaction.atomic
def write_remark(
    application: Application, *, by: User, text: str, asked: User | None = None
) -> Remark:
    """Keep a remark; `asked` gets a notice with a link to it, without the text.

    The audit event has the remark's number, not its text. Raises `DomainError`:
    `reviewers_only`, `own_application`, `own_team`, `text_missing`, `not_for_them`.
    """
    require_role(by, Role.REVIEWER, owner_id=application.applicant_id, what="application")
    words = require_text(text, field="text", message="Write the remark.")
    if asked is not None and (asked.pk == by.pk or not _may_review(asked, application)):
        raise DomainError(
            RefusalCode.NOT_FOR_THEM, f"{asked.name} cannot be asked about this.", field="asked"
        )
    remark = Remark.objects.create(
        application=application, author=by, asked=asked, text=words, at=timezone.now()
    )
    subject = f"application:{application.case_number}"
    record(
        AuditTag.APPLICATION_REMARKED,
        actor=by,
        subject=subject,
        data={"remark": remark.pk, "asked": asked.pk if asked else None},
    )
    if asked is not None:
        _call(asked, application, about=subject)
    return remark


def list_remarks(application: Application, *, viewer: User) -> QuerySet[Remark]:
    """Oldest first, for reviewers and auditors; none for the applicant and people near to them."""
    found = application.remarks.select_related("author", "asked")
    is_desk = viewer.is_active and (viewer.is_reviewer or viewer.is_auditor)
    return found if is_desk and is_outsider(application.applicant_id, viewer) else found.none()


def possible_colleagues(application: Application, *, asker: User) -> QuerySet[User]:
    """The reviewers to offer, by name; `write_remark` refuses those near to the applicant."""
    concerned = [asker.pk, application.applicant_id]
    reviewers = User.objects.filter(is_reviewer=True, is_active=True)
    return reviewers.exclude(pk__in=concerned).order_by("name", "pk")


def _may_review(person: User, application: Application) -> bool:
    return person.is_reviewer and person.is_active and is_outsider(application.applicant_id, person)


def _call(asked: User, application: Application, *, about: str) -> None:
    link = settings.SITE_URL + reverse("console:remarks", args=[application.case_number])
    post(
        asked,
        kind=ASKED,
        subject=f"A colleague asks for your view: {application.case_number}",
        body=f"Hello,\n\nA colleague asks for your view on application {application.case_number}."
        f"\nRead their remark here:\n\n{link}\n",
        about=about,
        may_wait=True,
    )
