"""The denylist."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.desk import DenialForm, LiftForm
from portal.gate.access.domain.screening.denylist import deny, lift_denial
from portal.gate.access.enums import DenialKind
from portal.gate.access.models import Denial
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.page_forms import refusals_in, render_form

PAGE_SIZE = 50


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def list_denials(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Every entry, newest first, and the form for a new one."""
    form = DenialForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        data = form.cleaned_data
        with refusals_in(form):
            denial = deny(
                kind=DenialKind(data["kind"]),
                by=request.user,
                reason=data["reason"],
                ends_at=form.cleaned_data["ends_on"],
                person=data.get("person"),
                value=data["value"],
            )
            messages.success(request, f"Added to the denylist: {denial}.")
            return redirect("console:denials")
    entries = Denial.objects.select_related("person", "made_by", "lifted_by")
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {"form": form, "page": page, "now": timezone.now()}
    return render_form(request, "desk/console/denials/denials.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def lift(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """One entry with its appeal, and the form to lift it."""
    denial = get_object_or_404(
        Denial.objects.select_related("person", "made_by", "lifted_by"), pk=pk
    )
    form = LiftForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_in(form):
            lift_denial(denial, by=request.user, note=form.cleaned_data["note"])
            messages.success(request, f"Lifted: {denial}.")
            return redirect("console:denials")
    context = {"denial": denial, "form": form, "now": timezone.now()}
    return render_form(request, "desk/console/denials/denial.html", context)
