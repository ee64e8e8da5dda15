"""One application with everything needed to decide on it, and the commands."""

from __future__ import annotations

from functools import partial

from django.contrib import messages
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST, require_safe

from portal.desk.console.access import reviewer_required
from portal.desk.console.review_commands import REVIEW_COMMANDS, describe_done, make_form
from portal.desk.console.review_page import Shown, describe_review
from portal.gate.access.domain.process.notices import preview_letter
from portal.gate.access.enums import HELD_COMMANDS, Command
from portal.gate.access.models import Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace


@require_safe
@reviewer_required
def show_application(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """The application, the applicant, and the available commands."""
    return _render(request, _get(case_number))


@require_POST
@reviewer_required
def decide(request: AuthenticatedHttpRequest, case_number: str, command: str) -> HttpResponse:
    """Carry out a reviewer's command, or preview the mail that it would send."""
    if command not in REVIEW_COMMANDS:
        raise Http404
    application = _get(case_number)
    named = Command(command)
    form = make_form(named, application, request.user, request.POST)
    if not form.is_valid():
        return _render(request, application, Shown(named, form), status=422)
    carry_out = partial(
        REVIEW_COMMANDS[named].carry_out, application, by=request.user, **form.terms()
    )
    try:
        if "preview" in request.POST and named in HELD_COMMANDS:
            shown = Shown(named, form, preview_letter(carry_out), is_preview=True)
            return _render(request, _get(case_number), shown)
        step = carry_out()
    except LostRace as error:
        messages.warning(request, error.message)
        application = _get(case_number)
        # The form keeps the text, and now refers to the revision that the page shows.
        data = request.POST.copy()
        data[form.add_prefix("seen")] = str(application.revision)
        bound = make_form(named, application, request.user, data)
        return _render(request, application, Shown(named, bound), status=409)
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _render(request, application, Shown(named, form), status=422)
    messages.success(request, describe_done(step, application))
    return redirect("console:application", case_number)


def _get(case_number: str) -> Application:
    found = Application.objects.select_related("applicant", "claimed_by")
    return get_object_or_404(found, case_number=case_number, submitted_at__isnull=False)


def _render(
    request: AuthenticatedHttpRequest,
    application: Application,
    shown: Shown | None = None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = describe_review(application, viewer=request.user, shown=shown)
    return render(request, "desk/console/review/application.html", context, status=status)
