"""The operator's page: workers, queues, and what failed."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from portal.accounts.http import AuthenticatedHttpRequest
from portal.console.access import operator_required
from portal.energy.domain.account import account_energy
from portal.jobs.domain.operations import view_operations


@require_safe
@never_cache
@operator_required
def operations(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Everything at a glance; only for operators. `?part=` is the part that renews itself."""
    template = (
        "console/operations/operations_live.html"
        if "part" in request.GET
        else "console/operations/operations.html"
    )
    return render(request, template, {"site": view_operations(), "energy": account_energy()})
