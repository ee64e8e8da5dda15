"""Merging two accounts of one person."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.views.decorators.http import require_http_methods

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.desk import MergeForm
from portal.gate.access.domain.desk.merging import merge_accounts
from portal.gate.access.models import Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.core.page_forms import refusals_in, render_form


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_required
def merge(request: AuthenticatedHttpRequest, case_number: str, pk: int) -> HttpResponse:
    """Both accounts side by side; the one that does not belong to the applicant is closed."""
    application = get_object_or_404(
        Application.objects.select_related("applicant"),
        case_number=case_number,
        submitted_at__isnull=False,
    )
    merged = get_object_or_404(User, pk=pk)
    form = MergeForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        with refusals_in(form):
            merge_accounts(
                kept=application.applicant,
                merged=merged,
                by=request.user,
                reason=form.cleaned_data["reason"],
            )
            messages.success(request, f"{merged.email} is closed. Its history is shown here.")
            return redirect("console:application", case_number)
    context = {"application": application, "merged": merged, "form": form}
    return render_form(request, "desk/console/review/merge.html", context)
