"""Grants: the list, the limits, and suspending, resuming and revoking."""

from __future__ import annotations

from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.grants import GrantFilterForm, GrantLimitsForm, GrantReasonForm
from portal.gate.access.domain.desk.queue import find_grants
from portal.gate.access.domain.rights.grants import resume_grant, revoke_grant, suspend_grant
from portal.gate.access.domain.rights.limits import limits_of, set_limits
from portal.gate.access.enums import Command, GrantState, Role
from portal.gate.access.models import Grant
from portal.gate.access.rules import grant_commands
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.unsent import turn_away

PAGE_SIZE = 25
COMMANDS = {
    Command.SUSPEND: suspend_grant,
    Command.RESUME: resume_grant,
    Command.REVOKE: revoke_grant,
}
VERBS = {Command.SUSPEND: "Suspend", Command.RESUME: "Resume", Command.REVOKE: "Revoke"}


@require_safe
@reviewer_required
def list_grants(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Filtered grants, newest first, each with the commands open on it."""
    form = GrantFilterForm(request.GET)
    found = find_grants(**form.to_filter())
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [
        (grant, [] if grant.user_id == request.user.pk else _open_commands(grant))
        for grant in page.object_list
    ]
    context = {"form": form, "page": page, "rows": rows, "now": timezone.now()}
    return render(request, "desk/console/grants/grants.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def change_grant(request: AuthenticatedHttpRequest, pk: int, command: str) -> HttpResponse:
    """Ask for the reason, then carry out the command."""
    if command not in COMMANDS:
        raise Http404
    grant = get_object_or_404(Grant.objects.select_related("user", "model", "application"), pk=pk)
    form = GrantReasonForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        try:
            COMMANDS[Command(command)](grant, by=request.user, reason=form.cleaned_data["reason"])
        except LostRace as error:
            return turn_away(request, error, to="console:grants")
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            state = GrantState(grant.state).label.lower()
            messages.success(
                request, f"Access to {grant.model.name} for {grant.user.name} is now {state}."
            )
            return redirect(f"{reverse('console:grants')}?q={grant.application.case_number}")
    context = {
        "grant": grant,
        "form": form,
        "command": command,
        "verb": VERBS[Command(command)],
        "is_own": grant.user_id == request.user.pk,
        "is_open": command in dict(_open_commands(grant)),
        "now": timezone.now(),
    }
    return render_form(request, "desk/console/grants/grant.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def limit_grant(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The form for one grant's tokens in 24 hours and concurrent API runs."""
    grant = get_object_or_404(Grant.objects.select_related("user", "model", "application"), pk=pk)
    initial = {"daily_tokens": grant.daily_tokens, "parallel_jobs": grant.parallel_jobs}
    data = request.POST if request.method == "POST" else None
    form = GrantLimitsForm(data, initial=initial, saved=limits_of(grant))
    if form.is_valid():
        with refusals_in(form):
            set_limits(grant, by=request.user, **form.cleaned_data)
            messages.success(request, f"The limits for {grant.user.name} were changed.")
            return redirect(f"{reverse('console:grants')}?q={grant.application.case_number}")
    context = {
        "grant": grant,
        "form": form,
        "is_own": grant.user_id == request.user.pk,
        "site_tokens": settings.DAILY_TOKEN_QUOTA,
        "site_jobs": settings.API_JOBS_PER_USER,
    }
    return render_form(request, "desk/console/grants/grant_limits.html", context)


def _open_commands(grant: Grant) -> list[tuple[Command, str]]:
    commands = grant_commands(GrantState(grant.state), Role.REVIEWER)
    if grant.ends_at <= timezone.now():
        # An expired grant can still be revoked, to show that it did not merely lapse.
        commands = [command for command in commands if command == Command.REVOKE]
    return [(command, VERBS[command]) for command in commands]
