"""A person's usage, as a page and as a file."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.lab.jobs.domain.usage_export import stream_usage
from portal.lab.jobs.domain.usage_history import DAYS, read_usage
from portal.lab.jobs.domain.usage_report import report_usage
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User


@require_safe
@never_cache
@login_required
def show_usage(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The quota now, and the runs of the last 30 days."""
    now = timezone.now()
    context = {
        "report": report_usage(request.user, at=now),
        "history": read_usage(request.user, at=now),
        "number_of_days": DAYS,
    }
    return render(request, "lab/jobs/usage.html", context)


@require_safe
@never_cache
@login_required
async def export(request: HttpRequest) -> StreamingHttpResponse:
    """Every run of the person as CSV, one per line."""
    user = await request.auser()
    assert isinstance(user, User)  # noqa: S101 -- behind login_required
    response = StreamingHttpResponse(stream_usage(user), content_type="text/csv; charset=utf-8")
    response["Content-Disposition"] = 'attachment; filename="usage.csv"'
    return response
