"""Reminding an applicant of an application that a reviewer returned."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import check_application, move_application
from portal.gate.access.enums import Command, Role
from portal.gate.access.models import Application, Step
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

PAUSE = timedelta(days=7)
"""The least time between two reminders."""


@transaction.atomic
def remind_applicant(application: Application, *, by: User, seen: int | None = None) -> Step:
    """Remind the applicant of a returned application by mail, at most once a week.

    Raises `DomainError` (`too_soon`, `decision_held`) and `LostRace`.
    """
    check_application(application, Command.REMIND, by=by, role=Role.REVIEWER, seen=seen)
    now = timezone.now()
    if application.is_held(at=now):
        raise DomainError(
            RefusalCode.DECISION_HELD, "The applicant has not been notified of the return yet."
        )
    last = application.steps.filter(command__in=[Command.RETURN, Command.REMIND]).last()
    if last is not None and now < last.at + PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON,
            f"They were asked on {last.at:%d %B}. Wait a week before asking again.",
        )
    return move_application(application, Command.REMIND, by=by, role=Role.REVIEWER, seen=seen)
