"""The queue of applications."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.bulk import BulkForm
from portal.desk.console.forms.queue import QueueFilterForm
from portal.gate.access.domain.desk.queue import find_applications, pace_of
from portal.gate.access.domain.screening.flags import review_submission
from portal.gate.access.domain.workflow.working_days import Pace
from portal.gate.access.enums import REVIEW_STATES
from portal.gate.access.models import Absence, Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User

PAGE_SIZE = 25


class Row(NamedTuple):
    """One application in the queue, as the table shows it."""

    application: Application
    pace: Pace | None
    is_own: bool
    is_held: bool
    is_free: bool
    claimant: User | None
    needs_look: bool


@require_safe
@reviewer_required
def show_queue(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Filtered and sorted applications; by default those that wait for review, oldest first."""
    form = QueueFilterForm(request.GET)
    wanted = form.to_filter()
    now = timezone.now()
    found = find_applications(wanted, viewer=request.user, at=now)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "wanted": wanted,
        "rows": [_row(application, request, now) for application in page.object_list],
        "bulk_form": BulkForm(),
        "absence": Absence.objects.filter(reviewer=request.user, until__gt=now).first(),
        "now": now,
    }
    return render(request, "desk/console/review/queue.html", context)


def _row(application: Application, request: AuthenticatedHttpRequest, now: datetime) -> Row:
    is_own = application.applicant_id == request.user.pk
    claimant = application.claimant_at(now)
    return Row(
        application,
        pace_of(application, at=now),
        is_own=is_own,
        is_held=application.is_held(at=now),
        is_free=not is_own and claimant is None and application.state in REVIEW_STATES,
        claimant=claimant,
        needs_look=bool(review_submission(application)),
    )
