"""The audit log, for auditors. Each view of it is recorded in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator

from django.core.paginator import Paginator
from django.db import transaction
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.desk.console.access import auditor_required
from portal.desk.console.forms.audit import AuditFilterForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.audit.domain.record import LOG_SUBJECT, record
from portal.platform.audit.domain.search import FORMS, export_events, find_events
from portal.platform.audit.enums import AuditTag
from portal.platform.core.database import in_database

PAGE_SIZE = 50
TYPES = {"csv": "text/csv; charset=utf-8", "jsonl": "application/jsonl"}


@require_safe
@auditor_required
def show_log(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Filtered events, newest first."""
    form = AuditFilterForm(request.GET)
    events = find_events(form.to_filter()).select_related("actor").order_by("-id")
    page = Paginator(events, PAGE_SIZE).get_page(request.GET.get("page"))
    context = {
        "form": form,
        "page": page,
        "events": list(page.object_list),
        "query": request.GET.urlencode(),
    }
    _record_look(request, AuditTag.AUDIT_VIEWED, form, page=page.number)
    return render(request, "desk/console/audit.html", context)


@require_safe
@auditor_required
def export_log(request: AuthenticatedHttpRequest, ending: str) -> HttpResponse:
    """All events that the filter finds, as a file."""
    if ending not in FORMS:
        raise Http404
    form = AuditFilterForm(request.GET)
    events = find_events(form.to_filter())
    _record_look(request, AuditTag.AUDIT_EXPORTED, form, format=ending)
    return StreamingHttpResponse(  # type: ignore[return-value]  # only their base is shared
        _stream(export_events(events, form=ending)),
        content_type=TYPES[ending],
        headers={"Content-Disposition": f'attachment; filename="audit.{ending}"'},
    )


def _record_look(
    request: AuthenticatedHttpRequest, tag: AuditTag, form: AuditFilterForm, **data: object
) -> None:
    chosen = {name: str(value) for name, value in form.cleaned_data.items() if value}
    with transaction.atomic():
        record(tag, actor=request.user, subject=LOG_SUBJECT, data={"filter": chosen, **data})


async def _stream(parts: Iterator[str]) -> AsyncIterator[str]:
    while text := await in_database(lambda: next(parts, None)):
        yield text
