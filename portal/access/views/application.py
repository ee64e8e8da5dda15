"""One's own application: reading it, and taking it back."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_safe

from portal.access.domain.applications import withdraw_application
from portal.access.domain.history import tell_history
from portal.access.domain.journey import expected_by
from portal.access.enums import ApplicationState, Command, Role
from portal.access.models import Application
from portal.access.rules import application_commands
from portal.accounts.http import AuthenticatedHttpRequest
from portal.core.errors import DomainError


@require_safe
@never_cache
@login_required
def show_application(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """What was submitted, and what became of it."""
    application = _get_own(request, case_number)
    context = {
        "application": application,
        "models_wanted": application.models_wanted.all(),
        "history": tell_history(application, viewer=request.user),
        "grants": application.grants.select_related("model"),
        "expected_by": expected_by(application),
        "now": timezone.now(),
        "can_withdraw": _can_withdraw(application),
    }
    return render(request, "access/application.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def withdraw(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Ask once more, then withdraw."""
    application = _get_own(request, case_number)
    if request.method != "POST" and _can_withdraw(application):
        return render(request, "access/withdraw.html", {"application": application})
    try:
        withdraw_application(application, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{application.case_number} is withdrawn.")
    return redirect("access:status")


def _get_own(request: AuthenticatedHttpRequest, case_number: str) -> Application:
    return get_object_or_404(Application, applicant=request.user, case_number=case_number)


def _can_withdraw(application: Application) -> bool:
    state = ApplicationState(application.state)
    return Command.WITHDRAW in application_commands(state, Role.APPLICANT)
