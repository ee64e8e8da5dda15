"""A person's own denylist entry: its reason, its end, and an appeal against it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.gate.access.domain.screening.denylist import appeal_denial, in_force
from portal.gate.access.enums import DenialKind
from portal.gate.access.forms import AppealForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.personal import personal
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import turn_away


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def show_denial(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show the entry about the person and its appeal; without an entry, redirect."""
    denial = in_force(at=timezone.now()).filter(kind=DenialKind.PERSON, person=request.user).first()
    if denial is None:
        lifted = DomainError(RefusalCode.NO_DENIAL, "You are no longer on the denylist.")
        if request.method == "POST":
            return turn_away(request, lifted, to="access:status")
        return redirect("access:status")
    form = AppealForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_in(form):
            appeal_denial(denial, by=request.user, text=form.cleaned_data["text"])
            messages.success(request, "Your appeal was sent. Another reviewer reads it.")
            return redirect("access:denial")
    return render_form(request, "gate/access/denial.html", {"denial": denial, "form": form})
