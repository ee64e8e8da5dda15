"""The operators' page: workers, queues and failures."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from portal.desk.console.access import operator_required
from portal.lab.energy.domain.account import account_energy
from portal.lab.jobs.domain.operations import view_operations
from portal.platform.accounts.http import AuthenticatedHttpRequest


@require_safe
@operator_required
def operations(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The whole page or, with `?part=`, the part that updates itself."""
    template = (
        "desk/console/operations/operations_live.html"
        if "part" in request.GET
        else "desk/console/operations/operations.html"
    )
    return render(request, template, {"site": view_operations(), "energy": account_energy()})
