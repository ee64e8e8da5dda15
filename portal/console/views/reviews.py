"""One application with everything needed to decide, and the decision."""

from __future__ import annotations

from collections.abc import Callable

from django.contrib import messages
from django.http import Http404, HttpResponse, QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.access.domain.dossier import gather_dossier
from portal.access.domain.history import tell_history
from portal.access.domain.journey import expected_by
from portal.access.domain.queue import pace_of
from portal.access.domain.reviews import (
    approve_application,
    current_endorsements,
    reject_application,
    return_application,
)
from portal.access.enums import ApplicationState, Capability, Command, Role
from portal.access.models import Application, Step
from portal.access.rules import application_commands
from portal.accounts.http import AuthenticatedHttpRequest
from portal.accounts.models import User
from portal.catalog.enums import Tier
from portal.console.access import reviewer_required
from portal.console.forms import (
    ApproveForm,
    DecisionForm,
    RejectForm,
    ReturnForm,
    propose_terms,
)
from portal.core.errors import DomainError, LostRace

DONE = {
    Command.APPROVE: "{case} is approved. {name} can begin at once, and is told by mail.",
    Command.ENDORSE: "Your approval of {case} is recorded. A second reviewer has to agree "
    "before anything opens.",
    Command.RETURN: "{case} went back to {name} with your notes.",
    Command.REJECT: "{case} is rejected. {name} is told the reason by mail.",
}


@require_safe
@never_cache
@reviewer_required
def show_application(request: AuthenticatedHttpRequest, case_number: str) -> HttpResponse:
    """The application, the person, and what can be done."""
    return _render(request, _get(case_number))


@require_POST
@never_cache
@reviewer_required
def decide(request: AuthenticatedHttpRequest, case_number: str, command: str) -> HttpResponse:
    """Carry out `approve`, `return` or `reject`."""
    if command not in DECISIONS:
        raise Http404
    application = _get(case_number)
    make_form, carry_out = DECISIONS[command]
    form = make_form(application, request.POST)
    if not form.is_valid():
        return _render(request, application, bound={command: form}, status=422)
    try:
        step = carry_out(application, request.user, form)
    except LostRace as error:
        messages.warning(request, error.message)
        application = _get(case_number)
        # The text stays in the form, which now stands for what the page shows.
        data = request.POST.copy()
        data[form.add_prefix("seen")] = str(application.revision)
        return _render(
            request, application, bound={command: make_form(application, data)}, status=409
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        return _render(request, application, bound={command: form}, status=422)
    said = DONE[Command(step.command)]
    messages.success(request, said.format(case=case_number, name=application.applicant_name))
    return redirect("console:application", case_number)


def _get(case_number: str) -> Application:
    found = Application.objects.select_related("applicant").filter(submitted_at__isnull=False)
    return get_object_or_404(found, case_number=case_number)


def _approve(application: Application, by: User, form: DecisionForm) -> Step:
    assert isinstance(form, ApproveForm)  # noqa: S101 -- the table below pairs them
    return approve_application(
        application,
        by=by,
        ends_at=form.ends_at(),
        models=list(form.cleaned_data["models"]),
        capabilities=[Capability(use) for use in form.cleaned_data["capabilities"]],
        note=form.cleaned_data["note"],
        seen=form.cleaned_data["seen"],
    )


def _return(application: Application, by: User, form: DecisionForm) -> Step:
    data = form.cleaned_data
    return return_application(application, by=by, note=data["note"], seen=data["seen"])


def _reject(application: Application, by: User, form: DecisionForm) -> Step:
    data = form.cleaned_data
    return reject_application(application, by=by, reason=data["reason"], seen=data["seen"])


def _approve_form(application: Application, data: QueryDict | None = None) -> DecisionForm:
    first = current_endorsements(application).first()
    return ApproveForm(
        data,
        application=application,
        initial=propose_terms(application, first),
        prefix="approve",
    )


def _return_form(application: Application, data: QueryDict | None = None) -> DecisionForm:
    return ReturnForm(data, initial={"seen": application.revision}, prefix="return")


def _reject_form(application: Application, data: QueryDict | None = None) -> DecisionForm:
    return RejectForm(data, initial={"seen": application.revision}, prefix="reject")


FormMaker = Callable[..., DecisionForm]
DECISIONS: dict[str, tuple[FormMaker, Callable[[Application, User, DecisionForm], Step]]] = {
    Command.APPROVE: (_approve_form, _approve),
    Command.RETURN: (_return_form, _return),
    Command.REJECT: (_reject_form, _reject),
}


def _render(
    request: AuthenticatedHttpRequest,
    application: Application,
    *,
    bound: dict[str, DecisionForm] | None = None,
    status: int = 200,
) -> HttpResponse:
    now = timezone.now()
    is_own = application.applicant_id == request.user.pk
    commands = application_commands(ApplicationState(application.state), Role.REVIEWER)
    forms = {name: make_form(application) for name, (make_form, _) in DECISIONS.items()}
    models = list(application.models_wanted.select_related("release"))
    context = {
        "application": application,
        "models_wanted": models,
        "pace": pace_of(application, at=now),
        "expected_by": expected_by(application),
        "history": tell_history(application, viewer=request.user),
        "dossier": gather_dossier(application),
        "endorsements": current_endorsements(application).select_related("reviewer"),
        "two_reviewers": [model for model in models if model.tier == Tier.TWO_REVIEWERS],
        "is_own": is_own,
        "can_decide": bool(commands) and not is_own,
        "forms": {**forms, **(bound or {})},
        "open_command": next(iter(bound), "") if bound else "",
        "now": now,
    }
    return render(request, "console/application.html", context, status=status)
