"""Reviewers' remarks on one application."""

from __future__ import annotations

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_http_methods

from portal.desk.console.access import reviewer_or_auditor_required
from portal.desk.console.forms.remarks import RemarkForm, make_remark_form
from portal.gate.access.domain.process.remarks import list_remarks, write_remark
from portal.gate.access.domain.workflow.separation import is_outsider
from portal.gate.access.models import Application
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import RoleRequired
from portal.platform.core.page_forms import refusals_in


@require_http_methods(["GET", "HEAD", "POST"])
@reviewer_or_auditor_required
def remarks(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """Show the remarks; a reviewer can add one. An auditor's view is recorded in the log."""
    found = Application.objects.filter(submitted_at__isnull=False).select_related("applicant")
    application = get_object_or_404(found, case_number=case_number)
    viewer = request.user
    if not is_outsider(application.applicant_id, viewer):
        raise PermissionDenied
    if request.method != "POST":
        if viewer.is_auditor:
            _record_look(viewer, case_number)
        form = make_remark_form(application, viewer) if viewer.is_reviewer else None
        return _render(request, application, form)
    if not viewer.is_reviewer:
        raise RoleRequired("reviewers")
    form = make_remark_form(application, viewer, request.POST)
    if form.is_valid():
        with refusals_in(form):
            write_remark(application, by=viewer, **form.cleaned_data)
            messages.success(request, "Your remark is saved.")
            return redirect("console:application", case_number)
    return _render(request, application, form, status=422)


def _record_look(auditor: User, case_number: str) -> None:
    with transaction.atomic():
        record(AuditTag.REMARKS_VIEWED, actor=auditor, subject=f"application:{case_number}")


def _render(
    request: AuthenticatedHttpRequest,
    application: Application,
    form: RemarkForm | None,
    *,
    status: int = 200,
) -> HttpResponse:
    context = {
        "application": application,
        "remarks": list_remarks(application, viewer=request.user),
        "remark_form": form,
    }
    return render(request, "desk/console/review/remarks.html", context, status=status)
