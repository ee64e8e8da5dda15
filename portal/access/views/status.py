"""Where a person's access stands: the page after signing in."""

from __future__ import annotations

from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.access.domain.history import tell_history
from portal.access.domain.journey import expected_by, plan_journey, review_days
from portal.access.enums import EDITABLE_STATES, ApplicationState
from portal.access.models import Application, Grant
from portal.accounts.http import AuthenticatedHttpRequest


@require_safe
@never_cache
@login_required
def show_status(request: AuthenticatedHttpRequest) -> HttpResponse:
    """What is needed next, the application's history, and every grant with its end."""
    now = timezone.now()
    applications = list(
        Application.objects.filter(applicant=request.user).order_by("-created_at", "-id")
    )
    current = applications[0] if applications else None
    grants = Grant.objects.filter(user=request.user).select_related("model", "application")
    context = {
        "journey": plan_journey(request.user, at=now),
        "application": current,
        "earlier": applications[1:],
        "history": tell_history(current, viewer=request.user) if current else [],
        "expected_by": expected_by(current) if current else None,
        "review_days": review_days(current),
        "acts_next": _who_acts_next(current),
        "grants": grants,
        "now": now,
    }
    return render(request, "access/status.html", context)


def _who_acts_next(application: Application | None) -> str:
    if application is None:
        return ""
    if application.state in EDITABLE_STATES:
        return "you"
    return "a reviewer" if application.state == ApplicationState.SUBMITTED else ""
