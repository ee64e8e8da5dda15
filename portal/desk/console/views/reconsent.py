"""People who have not signed a changed licence again. Auditors' views are recorded."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST, require_safe

from portal.desk.console.access import reviewer_or_auditor_required, reviewer_required
from portal.desk.console.forms.reconsent import OutdatedFilterForm, RemindForm
from portal.gate.access.domain.reconsent.export import export_outdated
from portal.gate.access.domain.reconsent.outdated import describe_outdated, find_outdated
from portal.gate.access.domain.reconsent.progress import measure_progress
from portal.gate.access.domain.reconsent.reminders import LIMIT, send_reminders, try_reminders
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError

PAGE_SIZE = LIMIT
LIST = "/console/reconsent/"


@require_safe
@reviewer_or_auditor_required
def show_outdated(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The filtered people, by the end of their signature, earliest first."""
    now = timezone.now()
    form = OutdatedFilterForm(request.GET)
    found = find_outdated(form.to_filter(), at=now)
    page = Paginator(found, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "rows": describe_outdated(page.object_list, at=now),
        "progress": measure_progress(at=now),
        "query": request.GET.urlencode(),
    }
    if request.user.is_auditor:
        _record_look(request, AuditTag.RECONSENT_VIEWED, form, page=page.number)
    return render(request, "desk/console/reconsent/reconsent.html", context)


@require_safe
@reviewer_or_auditor_required
def export(request: AuthenticatedHttpRequest) -> HttpResponse:
    """All rows that the filter finds, as CSV. Every export is recorded."""
    now = timezone.now()
    form = OutdatedFilterForm(request.GET)
    text = export_outdated(find_outdated(form.to_filter(), at=now), at=now)
    _record_look(request, AuditTag.RECONSENT_EXPORTED, form)
    return HttpResponse(
        text,
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": 'attachment; filename="not-signed-again.csv"'},
    )


@require_POST
@reviewer_required
def remind(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show who would be reminded; with `confirm`, do it and show the results."""
    back = _way_back(request)
    form = RemindForm(request.POST)
    if not form.is_valid():
        for errors in form.errors.values():
            messages.warning(request, str(errors[0]))
        return redirect(back)
    is_confirmed = "confirm" in request.POST
    run = send_reminders if is_confirmed else try_reminders
    try:
        outcomes = run(form.chosen(), by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
        return redirect(back)
    done = [outcome for outcome in outcomes if outcome.is_done]
    refused = [outcome for outcome in outcomes if not outcome.is_done]
    if not is_confirmed:
        context = {"possible": done, "refused": refused, "back": back}
        return render(request, "desk/console/reconsent/reconsent_remind.html", context)
    people = "1 person" if len(done) == 1 else f"{len(done)} people"
    messages.success(request, f"Reminded: {people}.")
    for outcome in refused:
        messages.warning(request, f"{outcome.signature.user.name}: {outcome.message}")
    return redirect(back)


def _record_look(
    request: AuthenticatedHttpRequest, tag: AuditTag, form: OutdatedFilterForm, **data: object
) -> None:
    # A search may contain a name, and the record of what an auditor views is kept forever.
    chosen = {name: str(value) for name, value in form.cleaned_data.items() if value}
    if "q" in chosen:
        chosen["q"] = "(words)"
    with transaction.atomic():
        record(tag, actor=request.user, subject="reconsent", data={"filter": chosen, **data})


def _way_back(request: AuthenticatedHttpRequest) -> str:
    wanted = request.POST.get("back", "")
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if is_here and wanted.startswith(LIST) else LIST
