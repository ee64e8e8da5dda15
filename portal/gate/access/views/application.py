"""An applicant's own application: read it, withdraw it, appeal against its refusal."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portal.gate.access.domain.process.applicant_view import (
    as_visible,
    is_open_to_applicant,
    visible_grants,
)
from portal.gate.access.domain.process.applications import withdraw_application
from portal.gate.access.domain.process.history import list_history
from portal.gate.access.domain.process.journey import expected_by
from portal.gate.access.domain.process.reopening import appeal_decision
from portal.gate.access.enums import Command
from portal.gate.access.forms import AppealForm
from portal.gate.access.models import Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import render_form
from portal.platform.core.personal import personal
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import turn_away


@require_safe
@personal
def show_application(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Show what was submitted, and what happened to it."""
    application = _get_own(request, case_number)
    now = timezone.now()
    context = {
        "application": as_visible(application, at=now),
        "models_wanted": application.models_wanted.all(),
        "history": list_history(application, viewer=request.user),
        "grants": visible_grants(request.user, at=now).filter(application=application),
        "expected_by": expected_by(application),
        "now": now,
        "can_withdraw": is_open_to_applicant(Command.WITHDRAW, application, at=now),
        "can_appeal": is_open_to_applicant(Command.APPEAL, application, at=now),
    }
    return render(request, "gate/access/application.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def withdraw(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Ask for confirmation, then withdraw."""
    application = _get_own(request, case_number)
    now = timezone.now()
    if request.method != "POST" and is_open_to_applicant(Command.WITHDRAW, application, at=now):
        return render(request, "gate/access/withdraw.html", {"application": application})
    try:
        withdraw_application(application, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{application.case_number} is withdrawn.")
    return redirect("access:status")


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def appeal(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Take an appeal against a refusal; another reviewer decides."""
    application = _get_own(request, case_number)
    if not is_open_to_applicant(Command.APPEAL, application, at=timezone.now()):
        return turn_away(request, _nothing_to_appeal(case_number), to="access:status")
    form = AppealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            appeal_decision(application, by=request.user, text=form.cleaned_data["text"])
        except LostRace as error:
            return turn_away(request, error, to="access:status")
        except DomainError as error:
            form.add_error(error.field, error.message)
        else:
            messages.success(request, f"Your appeal about {case_number} is with the reviewers.")
            return redirect("access:status")
    refusal = application.steps.filter(command=Command.REJECT).last()
    context = {"application": application, "form": form, "refusal": refusal}
    return render_form(request, "gate/access/appeal.html", context)


def _nothing_to_appeal(case_number: str) -> DomainError:
    return DomainError(
        RefusalCode.NOTHING_TO_APPEAL, f"{case_number} has no decision that you can appeal."
    )


def _get_own(request: AuthenticatedHttpRequest, case_number: str) -> Application:
    return get_object_or_404(Application, applicant=request.user, case_number=case_number)
