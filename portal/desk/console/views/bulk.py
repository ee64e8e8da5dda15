"""One command on several applications in the queue."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.utils.http import url_has_allowed_host_and_scheme
from django.views.decorators.http import require_POST

from portal.desk.console.access import reviewer_required
from portal.desk.console.forms.bulk import VERBS, BulkForm
from portal.gate.access.domain.desk.bulk import carry_out_bulk, try_bulk
from portal.gate.access.enums import Command
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import turn_away


@require_POST
@reviewer_required
def bulk(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Show a preview for each application; with `confirm`, do it and show the results."""
    form = BulkForm(request.POST)
    if not form.is_valid():
        (first, *_) = (str(errors[0]) for errors in form.errors.values())
        return turn_away(
            request, DomainError(RefusalCode.INVALID_VALUE, first), to=_way_back(request)
        )
    command = Command(form.cleaned_data["command"])
    run = carry_out_bulk if "confirm" in request.POST else try_bulk
    try:
        outcomes = run(form.cases_seen(), command, by=request.user, note=form.cleaned_data["note"])
    except DomainError as error:
        return turn_away(request, error, to=_way_back(request))
    done = [outcome for outcome in outcomes if outcome.is_done]
    refused = [outcome for outcome in outcomes if not outcome.is_done]
    if run is carry_out_bulk:
        count = f"{len(done)} application{'' if len(done) == 1 else 's'}"
        messages.success(request, f"{VERBS[command]}: {count}.")
        for outcome in refused:
            messages.warning(request, f"{outcome.application.case_number}: {outcome.message}")
        return redirect(_way_back(request))
    context = {
        "form": form,
        "verb": VERBS[command],
        "command": command,
        "possible": done,
        "refused": refused,
        "back": _way_back(request),
    }
    return render(request, "desk/console/review/bulk.html", context)


def _way_back(request: AuthenticatedHttpRequest) -> str:
    wanted = request.POST.get("back", "")
    is_here = url_has_allowed_host_and_scheme(wanted, allowed_hosts={request.get_host()})
    return wanted if is_here and wanted.startswith("/console/") else "/console/"
