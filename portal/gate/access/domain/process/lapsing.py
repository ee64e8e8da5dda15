"""Returned applications without an answer: one reminder, then closed by the clock."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, OuterRef, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from portal.gate.access.domain.rights.grants import end_grants, lock_halted_grants
from portal.gate.access.domain.workflow.commands import move_application
from portal.gate.access.enums import ApplicationState, Command, Role
from portal.gate.access.models import Application, Step
from portal.platform.core.each import do_each
from portal.platform.core.errors import LostRace

NOTICE = timedelta(days=7)
"""The least time between the site's reminder and the closing."""
IS_REMINDED = Q(reminded_at__gte=F("returned_at"))
IS_NOT_REMINDED = Q(reminded_at=None) | Q(reminded_at__lt=F("returned_at"))
REASON = "The application was closed because it was not answered."


def lapses_at(application: Application) -> datetime | None:
    """When a returned application is closed if it is not answered; None in other states."""
    if application.state != ApplicationState.RETURNED or application.effective_at is None:
        return None
    return application.effective_at + timedelta(days=settings.RETURNED_CLOSE_DAYS)


def remind_unanswered(*, at: datetime, limit: int) -> int:
    """Remind by mail, once for each return, when a week is left; return the number."""
    before = at - timedelta(days=settings.RETURNED_CLOSE_DAYS) + NOTICE
    due = _returned(IS_NOT_REMINDED, before=before)
    return _move_each(due[:limit], Command.REMIND)


def close_unanswered(*, at: datetime, limit: int) -> int:
    """Close, never approve, what was reminded a week ago and is overdue; return the number.

    The applicants are notified, and may apply again at once.
    """
    before = at - timedelta(days=settings.RETURNED_CLOSE_DAYS)
    due = _returned(IS_REMINDED & Q(reminded_at__lte=at - NOTICE), before=before)
    return _move_each(due[:limit], Command.LAPSE)


def _returned(condition: Q, *, before: datetime) -> QuerySet[Application]:
    """Applications returned and told before a moment, with `returned_at` and `reminded_at`."""
    steps = Step.objects.filter(application=OuterRef("pk")).order_by("-at", "-pk")
    returned = steps.filter(command=Command.RETURN).values("at")[:1]
    reminded = steps.filter(command=Command.REMIND, actor=None).values("at")[:1]
    return (
        Application.objects.filter(state=ApplicationState.RETURNED)
        .annotate(
            returned_at=Coalesce(Subquery(returned), F("submitted_at")),
            reminded_at=Subquery(reminded),
        )
        .filter(condition, effective_at__lte=before)
        .select_related("applicant")
        .order_by("pk")
    )


def _move_each(due: QuerySet[Application], command: Command) -> int:
    return sum(do_each(due, lambda row: _move(row, command), doing=f"{command}_unanswered"))


@transaction.atomic
def _move(application: Application, command: Command) -> int:
    halted = lock_halted_grants(application) if command == Command.LAPSE else []
    try:
        with transaction.atomic():
            move_application(application, command, by=None, role=Role.SYSTEM)
    except LostRace:
        # The applicant answered at this moment.
        return 0
    end_grants(halted, by=None, reason=REASON)
    return 1
