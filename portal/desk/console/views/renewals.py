"""Renewals: the list, and one renewal with its report and commands."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.renewals import RenewalFilterForm, make_form
from portal.desk.console.renewal_commands import (
    RENEWAL_COMMANDS,
    describe_done,
    describe_renewal,
)
from portal.gate.renewals.domain.queue import find_renewals
from portal.gate.renewals.enums import RenewalCommand
from portal.gate.renewals.models import Renewal
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace

PAGE_SIZE = 25


@require_safe
@reviewer_required
def list_renewals(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Filtered renewals; by default those that wait for review, oldest first."""
    form = RenewalFilterForm(request.GET)
    found = find_renewals(**form.to_filter())
    now = timezone.now()
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    rows = [(row, row.claimant_at(now), row.holder_id == request.user.pk) for row in page]
    context = {"form": form, "page": page, "rows": rows, "now": now}
    return render(request, "desk/console/renewals/renewals.html", context)


@require_safe
@reviewer_required
def show_renewal(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """One renewal: its report, its grants, and the available commands."""
    context = describe_renewal(_get(pk), viewer=request.user)
    return render(request, "desk/console/renewals/renewal.html", context)


@require_POST
@reviewer_required
def decide_renewal(request: AuthenticatedHttpRequest, pk: int, command: str) -> HttpResponse:
    """Carry out a reviewer's command."""
    if command not in RENEWAL_COMMANDS:
        raise Http404
    renewal, named = _get(pk), RenewalCommand(command)
    form = make_form(named, renewal, request.POST)
    status = 422
    if form.is_valid():
        try:
            step = RENEWAL_COMMANDS[named].carry_out(renewal, by=request.user, **form.terms())
        except LostRace as error:
            messages.warning(request, error.message)
            renewal = _get(pk)
            # The form keeps the text, and now refers to the revision that the page shows.
            data = request.POST.copy()
            data[form.add_prefix("seen")] = str(renewal.revision)
            form, status = make_form(named, renewal, data), 409
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, describe_done(step))
            return redirect("console:renewal", pk)
    context = describe_renewal(renewal, viewer=request.user, command=named, form=form)
    return render(request, "desk/console/renewals/renewal.html", context, status=status)


def _get(pk: int) -> Renewal:
    found = Renewal.objects.select_related("holder", "claimed_by")
    return get_object_or_404(found, pk=pk, submitted_at__isnull=False)
