"""Runs side by side: shown, submitted together, stopped together."""

from __future__ import annotations

from collections.abc import Sequence
from http import HTTPStatus

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from inference_workers.contract import CancelReason
from portal.lab.comparison.columns import RUNS_LEAST, RUNS_MOST, UNREAD, compare_runs
from portal.lab.comparison.domain.selection import Selection, select_runs
from portal.lab.comparison.forms import ComparisonForm
from portal.lab.jobs.domain.acceptance import SetRefused
from portal.lab.jobs.domain.history import runs_of
from portal.lab.jobs.domain.sets import submit_set
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.models import GenerationJob
from portal.lab.playground.own_runs import find_named_run
from portal.lab.playground.presentation import list_usable
from portal.lab.playground.refusals import Refusal, describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest


@require_safe
@never_cache
@sign_in_required
def runs(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The runs `?runs=` side by side, and a form for others, with run `?from=` in every column."""
    named = request.GET.getlist("runs")
    selection = select_runs(request.user, named, most=RUNS_MOST, unread=UNREAD)
    source = find_named_run(request, request.GET.get("from", ""))
    if source is None and selection.runs:
        source = selection.runs[0]
    form = ComparisonForm(models=list(list_usable(request.user)), source=source)
    return _render(request, form, selection=selection)


@require_POST
@sign_in_required
def create(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Submit a run for each column, all or none; a refusal keeps all input."""
    source = find_named_run(request, request.POST.get("source", ""))
    form = ComparisonForm(request.POST, models=list(list_usable(request.user)), source=source)
    if not form.is_valid():
        return _render(request, form, status=HTTPStatus.UNPROCESSABLE_ENTITY)
    try:
        jobs = submit_set(request.user, form.to_runs(source))
    except SetRefused as error:
        return _refuse(request, form, error)
    return redirect(address_of(jobs))


@require_POST
@sign_in_required
def stop(request: AuthenticatedHttpRequest) -> HttpResponse:
    """Stop those of the runs that have not ended."""
    selection = select_runs(request.user, request.POST.getlist("runs"), most=RUNS_MOST)
    own = runs_of(request.user).filter(pk__in=[run.pk for run in selection.runs])
    stop_jobs(own, reason=CancelReason.USER, actor=request.user)
    return redirect(address_of(selection.runs))


def address_of(jobs: Sequence[GenerationJob]) -> str:
    """The page with these runs side by side."""
    return f"{reverse('comparison:runs')}?runs={','.join(str(job.pk) for job in jobs)}"


def _refuse(
    request: AuthenticatedHttpRequest, form: ComparisonForm, error: SetRefused
) -> HttpResponse:
    column = form.used[error.place]
    if error.field in column.fields:
        column.add_error(error.field, error.message)
    elif error.field in form.fields:
        form.add_error(error.field, error.message)
    refusal = describe_refusal(error.refusal)
    status = refusal.status or HTTPStatus.UNPROCESSABLE_ENTITY
    number = form.columns.index(column) + 1
    return _render(request, form, refusal=refusal, refused=number, status=status)


def _render(
    request: AuthenticatedHttpRequest,
    form: ComparisonForm,
    *,
    selection: Selection | None = None,
    refusal: Refusal | None = None,
    refused: int = 0,
    status: int = HTTPStatus.OK,
) -> HttpResponse:
    selection = selection or Selection()
    is_enough = len(selection.runs) >= RUNS_LEAST
    return render(
        request,
        "lab/comparison/runs.html",
        {
            "form": form,
            "selection": selection,
            "comparison": compare_runs(selection.runs) if is_enough else None,
            "address": address_of(selection.runs),
            "refusal": refusal,
            "refused": refused,
            "most": RUNS_MOST,
        },
        status=status,
    )
