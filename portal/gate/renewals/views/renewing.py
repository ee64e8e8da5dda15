"""A holder's renewal: the report, its status, withdrawing it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_http_methods, require_safe

from portal.gate.renewals.domain.handing_in import hand_in_report, open_renewal, withdraw_renewal
from portal.gate.renewals.domain.history import list_history
from portal.gate.renewals.domain.window import renewable_grants
from portal.gate.renewals.enums import OPEN_STATES, REVIEW_STATES, RenewalCommand, RenewalState
from portal.gate.renewals.forms import ReportForm, begin_with
from portal.gate.renewals.models import Renewal
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import render_form
from portal.platform.core.personal import personal
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import turn_away


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def renew(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The report: a first one, or the answer to a reviewer who asked for changes."""
    renewal = open_renewal(request.user)
    if renewal is not None and renewal.state in REVIEW_STATES:
        page = reverse("renewals:renewal", args=[renewal.pk])
        if request.method == "POST":
            waits = "Your report is already with the reviewers. To change it, withdraw it."
            return turn_away(request, DomainError(RefusalCode.RENEWAL_PENDING, waits), to=page)
        return redirect(page)
    grants = renewable_grants(request.user, at=timezone.now())
    if renewal is None and not grants:
        nothing = DomainError(RefusalCode.NOTHING_TO_RENEW, "There is nothing to renew now.")
        return turn_away(request, nothing, to="access:status")
    form = _make_form(request, renewal)
    if form.is_bound and form.is_valid():
        try:
            made = hand_in_report(
                request.user,
                grants=list(form.cleaned_data.get("grants", [])),
                answers=form.answers(),
                seen=form.cleaned_data["seen"] if renewal else None,
            )
        except LostRace as error:
            return turn_away(request, error, to="access:status")
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, "Your report is with the reviewers.")
            return redirect("renewals:renewal", made.pk)
    returned = renewal.steps.filter(command=RenewalCommand.RETURN).last() if renewal else None
    context = {
        "form": form,
        "renewal": renewal,
        "returned": returned,
        "grants": renewal.grants.select_related("model") if renewal else grants,
    }
    return render_form(request, "gate/renewals/renew.html", context)


@require_safe
@personal
def show_renewal(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The report, and the history of its renewal."""
    renewal = get_object_or_404(Renewal, holder=request.user, pk=pk)
    context = {
        "renewal": renewal,
        "report": renewal.reports.last(),
        "grants": renewal.grants.select_related("model").order_by("model__name"),
        "history": list_history(renewal, viewer=request.user),
        "is_open": renewal.state in OPEN_STATES,
        "now": timezone.now(),
    }
    return render(request, "gate/renewals/renewal.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def withdraw(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, then withdraw."""
    renewal = get_object_or_404(Renewal, holder=request.user, pk=pk)
    if request.method != "POST" and renewal.state in OPEN_STATES:
        return render(request, "gate/renewals/withdraw.html", {"renewal": renewal})
    try:
        withdraw_renewal(renewal, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, "Your renewal is withdrawn.")
    return redirect("access:status")


def _make_form(request: AuthenticatedHttpRequest, renewal: Renewal | None) -> ReportForm:
    data = request.POST if request.method == "POST" else None
    if renewal is not None and renewal.state == RenewalState.RETURNED:
        initial = {**begin_with(renewal.reports.last()), "seen": renewal.revision}
        return ReportForm(data, initial=initial, grants=None)
    grants = renewable_grants(request.user, at=timezone.now())
    refused = Renewal.objects.filter(holder=request.user, grants__in=grants).first()
    initial = {
        **begin_with(refused.reports.last() if refused else None),
        "grants": [grant.pk for grant in grants],
    }
    return ReportForm(data, initial=initial, grants=grants)
