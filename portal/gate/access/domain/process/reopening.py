"""Reviewing a decision again: reopened by another reviewer, or appealed by the applicant."""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.rights.grants import halt_grants, lock_active_grants
from portal.gate.access.domain.workflow.commands import (
    check_application,
    move_application,
    require_announced,
    require_text,
)
from portal.gate.access.domain.workflow.separation import deciders
from portal.gate.access.enums import OPEN_STATES, Command, Role
from portal.gate.access.models import Application, Step
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LONGEST_APPEAL = 5000


@transaction.atomic
def reopen_application(
    application: Application, *, by: User, reason: str, seen: int | None = None
) -> Step:
    """Put a decided application back into review; its grants are suspended meanwhile.

    Raises `DomainError`: `text_missing`, `decision_held` (take it back instead),
    `decided_before` (another reviewer reopens), `other_application_open`; `LostRace`.
    """
    reason = require_text(reason, field="reason", message="Say why. The applicant will read it.")
    check_application(application, Command.REOPEN, by=by, role=Role.REVIEWER, seen=seen)
    if application.is_held(at=timezone.now()):
        raise DomainError(
            RefusalCode.DECISION_HELD,
            "The applicant has not been notified yet. Take the decision back instead.",
        )
    if by.pk in deciders(application):
        raise DomainError(
            RefusalCode.DECIDED_BEFORE,
            "You decided on this application. Another reviewer has to reopen it.",
        )
    grants = lock_active_grants(application)
    step = _move_to_review(application, Command.REOPEN, by=by, role=Role.REVIEWER, note=reason)
    halt_grants(grants, by=by, reason=reason)
    return step


@transaction.atomic
def appeal_decision(application: Application, *, by: User, text: str) -> Step:
    """Appeal, once, so that another reviewer decides on a refused application.

    Raises `DomainError`: `text_missing`, `text_too_long`, `appealed_before`,
    `application_pending`, `other_application_open`, `not_your_application`; `LostRace`.
    """
    text = require_text(text, field="text", message="Say what the reviewer overlooked.")
    if len(text) > LONGEST_APPEAL:
        raise DomainError(
            RefusalCode.TEXT_TOO_LONG, f"Write at most {LONGEST_APPEAL:,} characters.", field="text"
        )
    if by.pk == application.applicant_id:
        require_announced(application)
    check_application(application, Command.APPEAL, by=by, role=Role.APPLICANT)
    if application.appealed_at is not None:
        raise DomainError(
            RefusalCode.APPEALED_BEFORE,
            "You have already appealed, and another reviewer has decided. You may apply again.",
            next_url=reverse("access:status"),
        )
    return _move_to_review(
        application,
        Command.APPEAL,
        by=by,
        role=Role.APPLICANT,
        note=text,
        appealed_at=timezone.now(),
    )


def _move_to_review(
    application: Application,
    command: Command,
    *,
    by: User,
    role: Role,
    note: str,
    appealed_at: datetime | None = None,
) -> Step:
    now = timezone.now()
    others = Application.objects.filter(
        applicant_id=application.applicant_id, state__in=OPEN_STATES
    ).exclude(pk=application.pk)
    try:
        with transaction.atomic():
            return move_application(
                application,
                command,
                by=by,
                role=role,
                note=note,
                submitted_at=now,
                decided_at=None,
                effective_at=None,
                appealed_at=appealed_at or application.appealed_at,
            )
    except IntegrityError as error:
        other = others.first()
        raise DomainError(
            RefusalCode.OTHER_APPLICATION_OPEN,
            f"Application {other or 'another'} of the same person is open. "
            "It must be decided or withdrawn first.",
        ) from error
