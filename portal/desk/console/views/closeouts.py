"""Ended grants with weights whose holders still owe the statement of destruction."""

from __future__ import annotations

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_POST, require_safe

from portal.desk.console.access import reviewer_required
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.holdings import list_holdings
from portal.gate.renewals.domain.queue import find_owed
from portal.gate.renewals.domain.statements import over_since, request_statement
from portal.gate.renewals.models import Statement
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError

PAGE_SIZE = 25
LATEST = 10


@require_safe
@reviewer_required
def list_closeouts(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The grants with an owed statement, longest first, and the latest statements."""
    now = timezone.now()
    page = Paginator(find_owed(at=now), PAGE_SIZE).get_page(request.GET.get("page"))
    holdings = list_holdings(list(page.object_list))
    made = Statement.objects.select_related("grant__user", "grant__model", "grant__application")
    context = {
        "page": page,
        "rows": [
            (grant, over_since(grant), holdings[grant.pk], grant.user_id == request.user.pk)
            for grant in page
        ],
        "statements": made[:LATEST],
        "now": now,
    }
    return render(request, "desk/console/renewals/closeouts.html", context)


@require_POST
@reviewer_required
def ask(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask one former holder for the statement, by mail."""
    grant = get_object_or_404(Grant.objects.select_related("user", "model"), pk=pk)
    try:
        request_statement(grant, by=request.user)
    except DomainError as error:
        messages.warning(request, error.message)
    else:
        messages.success(request, f"{grant.user.name} was asked by mail.")
    return redirect("console:closeouts")
