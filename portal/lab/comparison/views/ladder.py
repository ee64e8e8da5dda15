"""The scale ladder: shown, and submitted."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.lab.comparison.domain.rungs import RUNS_MOST, list_rungs, submit_ladder
from portal.lab.comparison.domain.selection import Selection, select_runs
from portal.lab.comparison.forms import LadderForm
from portal.lab.comparison.ladder import read_ladder
from portal.lab.playground.presentation import list_usable
from portal.lab.playground.refusals import Refusal, describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError


@require_safe
@never_cache
@sign_in_required
def ladder(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The ladder of the runs `?runs=`, after a context of `?context=` characters; and a form."""
    selection = select_runs(request.user, request.GET.getlist("runs"), most=RUNS_MOST)
    given = request.GET.get("context", "")
    return _render(
        request,
        selection=selection,
        context_length=int(given) if given.isascii() and given.isdigit() and len(given) < 9 else 0,
    )


@require_POST
@sign_in_required
def create(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Submit a run for each model and candidate, all or none; a refusal keeps all input."""
    form = LadderForm(request.POST)
    if not form.is_valid():
        return _render(request, form=form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    prompt, candidates = form.cleaned_data["prompt"], form.cleaned_data["candidates"]
    context = prompt if candidates else ""
    try:
        jobs = submit_ladder(
            request.user,
            models=list_rungs(list_usable(request.user)).online,
            context=context,
            continuations=candidates or [prompt],
        )
    except DomainError as error:
        form.add_error(error.field if error.field in form.fields else None, error.message)
        refusal = describe_refusal(error)
        status = refusal.status or HTTPStatus.UNPROCESSABLE_ENTITY
        return _render(request, form=form, refusal=refusal, status=status)
    ids = ",".join(str(job.pk) for job in jobs)
    return redirect(f"{reverse('comparison:ladder')}?runs={ids}&context={len(context)}")


def _render(
    request: AuthenticatedHttpRequest,
    *,
    form: LadderForm | None = None,
    selection: Selection | None = None,
    context_length: int = 0,
    refusal: Refusal | None = None,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    selection = selection or Selection()
    found = read_ladder(selection.runs, context_length=context_length)
    if form is None:
        initial = {"prompt": found.context or found.continuations[0]} if found else {}
        if found and found.context:
            initial["candidates"] = "\n".join(found.continuations)
        form = LadderForm(initial=initial)
    return render(
        request,
        "lab/comparison/ladder.html",
        {
            "form": form,
            "selection": selection,
            "ladder": found,
            "rungs": list_rungs(list_usable(request.user)),
            "refusal": refusal,
        },
        status=status,
    )
