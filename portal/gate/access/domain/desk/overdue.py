"""Mails to reviewers, then to operators, about applications that wait longer than promised."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from itertools import product
from typing import Final

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.urls import reverse

from portal.gate.access.domain.desk.claims import is_absent
from portal.gate.access.domain.desk.queue import promised_days
from portal.gate.access.domain.workflow.separation import is_outsider
from portal.gate.access.domain.workflow.working_days import add_working_days
from portal.gate.access.enums import REVIEW_STATES
from portal.gate.access.models import Application
from portal.platform.accounts.models import User
from portal.platform.core.each import do_each
from portal.platform.notices.domain.outbox import post
from portal.platform.notices.models import Notice

REMINDED: Final = "access.reviewers_overdue"
ESCALATED: Final = "access.operators_overdue"
WEEK: Final = timedelta(days=7)


def remind_reviewers(*, at: datetime) -> int:
    """Post one mail a week to each reviewer about overdue applications, claimed by them or free.

    Overdue as in the queue: past the working days that the releases promise. Reviewers who are
    out of office, or have none, get no mail. Return the number; the outbox knows who had theirs.
    """
    late = find_late(at=at, times=1)
    reviewers = User.objects.filter(is_reviewer=True, is_active=True).order_by("pk")
    remind = partial(_remind, late=late, at=at)
    return sum(do_each(_keys(reviewers), remind, doing="remind_reviewer")) if late else 0


def escalate(*, at: datetime) -> int:
    """Notify each operator, once, of a submission that waits more than twice the promised time."""
    late = find_late(at=at, times=2)
    operators = User.objects.filter(is_staff=True, is_active=True).order_by("pk")
    pairs = product(_keys(operators), late)
    return sum(do_each(pairs, lambda pair: _notify(*pair), doing="escalate")) if late else 0


def find_late(*, at: datetime, times: int) -> list[Application]:
    """Applications that have waited more than `times` times what was promised, oldest first."""
    waiting = Application.objects.filter(state__in=REVIEW_STATES, submitted_at__isnull=False)
    rows = waiting.select_related("claimed_by").prefetch_related("models_wanted__release")
    oldest = list(rows.order_by("submitted_at", "pk"))
    verdicts = do_each(
        oldest, lambda row: (row, _is_late(row, at=at, times=times)), doing="find_late"
    )
    return [row for row, is_late in verdicts if is_late]


def _is_late(application: Application, *, at: datetime, times: int) -> bool:
    since = application.submitted_at
    return since is not None and at > add_working_days(since, times * promised_days(application))


def _keys(people: QuerySet[User]) -> list[int]:
    return list(people.values_list("pk", flat=True))


@transaction.atomic
def _remind(reviewer_id: int, *, late: Sequence[Application], at: datetime) -> bool:
    # The lock makes two beats at the same time read the outbox one after the other.
    reviewer = User.objects.select_for_update().get(pk=reviewer_id)
    had = Notice.objects.filter(recipient=reviewer, kind=REMINDED, created_at__gt=at - WEEK)
    if is_absent(reviewer, at=at) or had.exists():
        return False
    theirs = [row for row in late if _is_for(row, reviewer, at=at)]
    if not theirs:
        return False
    lines = "\n".join(
        f"{row.case_number} ({'yours' if row.claimant_at(at) else 'free'})" for row in theirs
    )
    post(
        reviewer,
        kind=REMINDED,
        subject=f"Overdue: {len(theirs)} to review",
        body="Hello,\n\nThese have waited longer than promised, and are yours or free:"
        f"\n\n{lines}\n\n{settings.SITE_URL}{reverse('console:queue')}\n",
        may_wait=True,
    )
    return True


def _is_for(application: Application, reviewer: User, *, at: datetime) -> bool:
    holder = application.claimant_at(at)
    return holder in (None, reviewer) and is_outsider(application.applicant_id, reviewer)


@transaction.atomic
def _notify(operator_id: int, application: Application) -> bool:
    operator = User.objects.select_for_update().get(pk=operator_id)
    about = f"application:{application.case_number}"
    told = Notice.objects.filter(recipient=operator, kind=ESCALATED, about=about)
    # An application that was changed and submitted again has a new promise.
    is_told = told.filter(created_at__gte=application.submitted_at).exists()
    if is_told or not is_outsider(application.applicant_id, operator):
        return False
    post(
        operator,
        kind=ESCALATED,
        subject=f"Twice overdue: {application.case_number}",
        body=f"Hello,\n\nApplication {application.case_number} has waited more than twice as long "
        "as promised. The reviewers were reminded. Make sure that one of them claims it.\n",
        about=about,
    )
    return True
