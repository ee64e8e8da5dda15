"""The end of a grant, from its holder's side: giving it back, stating that no copy is left."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.http import require_http_methods

from portal.gate.access.capabilities import owes_statement
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.renewals.domain.holdings import list_holdings
from portal.gate.renewals.domain.statements import (
    give_back,
    over_since,
    owed_grants,
    state_destruction,
)
from portal.gate.renewals.forms import StatementForm
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.page_forms import refusals_in, render_form
from portal.platform.core.personal import personal
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.unsent import turn_away


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def give_grant_back(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """Ask for confirmation, and with weights for the statement, then end the grant."""
    grant = _get_own(request, pk)
    if grant.state != GrantState.ACTIVE or grant.ends_at <= timezone.now():
        ended = f"Your access to {grant.model.name} has already ended."
        return turn_away(request, DomainError(RefusalCode.GRANT_ENDED, ended), to="access:status")
    has_weights = owes_statement(grant.capabilities)
    form = StatementForm(request.POST if request.method == "POST" else None)
    if request.method == "POST" and (not has_weights or form.is_valid()):
        try:
            give_back(grant, by=request.user, statement=form.answers() if has_weights else None)
        except LostRace as error:
            return turn_away(request, error, to="access:status")
        except DomainError as error:
            form.add_error(error.field if error.field in form.fields else None, error.message)
        else:
            messages.success(request, f"You have given back your access to {grant.model.name}.")
            return redirect("access:status")
    context = {
        "grant": grant,
        "form": form if has_weights else None,
        "holdings": list_holdings([grant])[grant.pk] if has_weights else [],
    }
    status = 422 if has_weights and form.errors else 200
    return render(request, "gate/renewals/give_back.html", context, status=status)


@require_http_methods(["GET", "HEAD", "POST"])
@personal
def state(request: AuthenticatedHttpRequest, pk: int) -> HttpResponse:
    """The statement about an ended grant; once it is made, it is shown."""
    grant = _get_own(request, pk)
    made = getattr(grant, "statement", None)
    owed = owed_grants(at=timezone.now()).filter(pk=grant.pk).first()
    if made is None and owed is None:
        nothing = f"No statement is owed for {grant.model.name}."
        return turn_away(
            request, DomainError(RefusalCode.NOTHING_OWED, nothing), to="access:status"
        )
    form = StatementForm(request.POST if request.method == "POST" else None)
    if made is None and request.method == "POST" and form.is_valid():
        with refusals_in(form):
            state_destruction(grant, by=request.user, answers=form.answers())
            messages.success(request, "Thank you. Your statement is recorded.")
            return redirect("renewals:statement", grant.pk)
    context = {
        "grant": grant,
        "statement": made,
        "form": form,
        "over_since": over_since(owed) if owed else None,
        "holdings": list_holdings([grant])[grant.pk],
    }
    return render_form(request, "gate/renewals/statement.html", context)


def _get_own(request: AuthenticatedHttpRequest, pk: int) -> Grant:
    grants = Grant.objects.select_related("user", "model", "application", "statement")
    return get_object_or_404(grants, user=request.user, pk=pk)
