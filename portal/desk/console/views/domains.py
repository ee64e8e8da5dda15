"""Domains whose signing official speaks for everyone there, confirmed by a reviewer."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db.models import QuerySet
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.desk import DomainForm
from portal.gate.access.domain.screening.institutions import judge_domain
from portal.gate.vouching.domain.domains import confirm_domain, decline_domain, withdraw_domain
from portal.gate.vouching.enums import DomainState
from portal.gate.vouching.models import AuthorisedDomain
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.refusals import RefusalCode

PAGE_SIZE = 50
DONE = {
    "confirm": "{domain} is authorised for a year. Its official gets a mail.",
    "decline": "{domain} is declined.",
    "withdraw": "{domain} is withdrawn.",
}


@require_safe
@reviewer_required
def list_domains(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every entry, newest first."""
    page = Paginator(_entries(), PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"page": page, "now": timezone.now()}
    return render(request, "desk/console/domains/domains.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def change_domain(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """One entry and its official, and the form to confirm, decline or withdraw it."""
    entry = get_object_or_404(_entries(), pk=pk)
    form = DomainForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        command = request.POST.get("command", "")
        with refusals_in(form):
            _carry_out(command, entry, request, note=form.cleaned_data["note"])
            messages.success(request, DONE[command].format(domain=entry.domain))
            return redirect("console:domains")
        # Refused, perhaps because it has changed.
        entry.refresh_from_db()
    context = {
        "entry": entry,
        "form": form,
        "fact": judge_domain(entry.domain),
        "is_proposed": entry.state == DomainState.PROPOSED,
        "is_in_force": entry.is_in_force(at=timezone.now()),
        "now": timezone.now(),
    }
    return render_form(request, "desk/console/domains/domain.html", context)


def _carry_out(
    command: str, entry: AuthorisedDomain, request: AuthenticatedHttpRequest, *, note: str
) -> None:
    match command:
        case "confirm":
            confirm_domain(entry, by=request.user)
        case "decline":
            decline_domain(entry, by=request.user, note=note)
        case "withdraw":
            withdraw_domain(entry, by=request.user, note=note)
        case _:
            raise DomainError(RefusalCode.UNKNOWN_COMMAND, "Choose what to do.")


def _entries() -> QuerySet[AuthorisedDomain]:
    return AuthorisedDomain.objects.select_related(
        "request__application", "decided_by", "withdrawn_by"
    )
