"""Process metrics, for reviewers and auditors. An auditor's view is recorded as an event."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.desk.console.access import reviewer_or_auditor_required
from portal.desk.console.forms.metrics import PeriodForm
from portal.gate.access.domain.numbers.metrics import measure_process
from portal.gate.access.domain.numbers.tables import MetricTable, list_tables, write_csv
from portal.gate.vouching.domain.response import tabulate_response
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag


@require_safe
@reviewer_or_auditor_required
def show_metrics(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Charts and tables for a period."""
    form = PeriodForm(request.GET)
    since, until = form.to_period(at=timezone.now())
    tables = _list_tables(since=since, until=until)
    _record_look(request, form, table="")
    context = {"form": form, "tables": tables, "query": request.GET.urlencode(), "since": since}
    return render(request, "desk/console/metrics/metrics.html", context)


@require_safe
@reviewer_or_auditor_required
def export_metrics(request: AuthenticatedHttpRequest, table: str) -> HttpResponse:
    """One table as CSV."""
    form = PeriodForm(request.GET)
    since, until = form.to_period(at=timezone.now())
    tables = {each.slug: each for each in _list_tables(since=since, until=until)}
    if table not in tables:
        raise Http404
    _record_look(request, form, table=table)
    return HttpResponse(
        write_csv(tables[table]),
        content_type="text/csv; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="{table}.csv"'},
    )


def _list_tables(*, since: datetime, until: datetime) -> list[MetricTable]:
    measured = list_tables(measure_process(since=since, until=until))
    return [*measured, tabulate_response(since=since, until=until)]


def _record_look(request: AuthenticatedHttpRequest, form: PeriodForm, *, table: str) -> None:
    if not request.user.is_auditor:
        return
    with transaction.atomic():
        record(
            AuditTag.METRICS_VIEWED,
            actor=request.user,
            subject="process-metrics",
            data={"days": form.days, "table": table},
        )
