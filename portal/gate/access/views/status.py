"""A person's access: the page after signing in."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.gate.access.domain.numbers.waits import measure_waits
from portal.gate.access.domain.process.applicant_view import (
    as_led,
    as_visible,
    is_open_to_applicant,
    visible_grants,
    who_acts_next,
)
from portal.gate.access.domain.process.history import list_history
from portal.gate.access.domain.process.journey import expected_by, plan_journey, review_days
from portal.gate.access.enums import Command
from portal.gate.access.models import Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.personal import personal


@require_safe
@personal
def show_status(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show the next step, the application's history, and every grant with its end."""
    now = timezone.now()
    applications = list(
        Application.objects.filter(applicant=request.user).order_by("-created_at", "-id")
    )
    current = applications[0] if applications else None
    context = {
        "journey": plan_journey(request.user, at=now),
        "application": as_visible(current, at=now) if current else None,
        "earlier": [as_visible(application, at=now) for application in applications[1:]],
        "history": list_history(current, viewer=request.user) if current else [],
        "expected_by": expected_by(current) if current else None,
        "review_days": review_days(current),
        "waits": measure_waits(at=now),
        "acts_next": who_acts_next(current, at=now) if current else "",
        "can_appeal": bool(current)
        and is_open_to_applicant(Command.APPEAL, applications[0], at=now),
        "grants": [as_led(grant, at=now) for grant in visible_grants(request.user, at=now)],
        "now": now,
    }
    return render(request, "gate/access/status.html", context)
