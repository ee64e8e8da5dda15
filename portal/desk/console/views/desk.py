"""A reviewer's absence."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.desk import AbsenceForm
from portal.gate.access.domain.desk.claims import (
    announce_absence,
    end_absence,
    held_claims,
    terms_of,
)
from portal.gate.access.models import Absence
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import refusals_in, render_form


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def absence(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Start an absence, with or without a deputy, or end it."""
    if "back" in request.POST:
        end_absence(request.user)
        messages.success(request, "Welcome back.")
        return redirect("console:absence")
    now = timezone.now()
    others = User.objects.filter(is_reviewer=True, is_active=True).exclude(pk=request.user.pk)
    saved = terms_of(Absence.objects.filter(reviewer=request.user).first())
    form = AbsenceForm(request.POST or None, deputies=others.order_by("name"), saved=saved)
    if request.method == "POST" and form.is_valid():
        with refusals_in(form):
            moved = announce_absence(
                request.user,
                until=form.cleaned_data["until"],
                deputy=form.cleaned_data["deputy"],
                seen=form.cleaned_data["seen"],
            )
            messages.success(request, f"You are out of office. Claims moved: {len(moved)}.")
            return redirect("console:absence")
    context = {
        "form": form,
        "absence": Absence.objects.filter(reviewer=request.user, until__gt=now)
        .select_related("deputy")
        .first(),
        "claims": held_claims(request.user, at=now),
    }
    return render_form(request, "desk/console/review/absence.html", context)
