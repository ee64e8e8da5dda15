"""The queue of applications."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access.domain.queue import find_applications, pace_of
from portal.access.domain.timing import Pace
from portal.access.models import Application
from portal.accounts.http import AuthenticatedHttpRequest
from portal.console.access import reviewer_required
from portal.console.forms import QueueFilterForm

PAGE_SIZE = 25


class Row(NamedTuple):
    """One application of the queue, as the table shows it."""

    application: Application
    pace: Pace | None
    is_own: bool


@require_safe
@never_cache
@reviewer_required
def show_queue(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Applications by filter and order; without a choice, those that wait, oldest first."""
    form = QueueFilterForm(request.GET)
    wanted = form.to_filter()
    page = Paginator(find_applications(wanted), PAGE_SIZE).get_page(request.GET.get("page"))
    now = timezone.now()
    context = {
        "form": form,
        "page": page,
        "wanted": wanted,
        "rows": [_row(application, request, now) for application in page.object_list],
        "now": now,
    }
    return render(request, "console/queue.html", context)


def _row(application: Application, request: AuthenticatedHttpRequest, now: datetime) -> Row:
    return Row(
        application, pace_of(application, at=now), application.applicant_id == request.user.pk
    )
