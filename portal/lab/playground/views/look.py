"""The whole distribution at one token of a run, and what the samplers left of it."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST, require_safe

from portal.lab.jobs.domain.sets import RunOn, submit_set
from portal.lab.playground.own_runs import require_run
from portal.lab.playground.refusals import describe_refusal
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.scoring.domain.looking import Part, plan_look, read_look
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, invalid_value


@require_POST
@sign_in_required
def look(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """Submit a run that returns the distribution of the token `index` of `part`."""
    job = require_run(request, job_id)
    try:
        part, index = _read_token(request)
        run = plan_look(job, part=part, index=index)
        (made,) = submit_set(request.user, [RunOn(job.model, run)])
    except DomainError as error:
        return _refuse(error)
    return JsonResponse(
        {
            "events_url": reverse("playground:events", args=[made.pk]),
            "url": reverse("playground:looked", args=[job.pk, made.pk]),
        },
        status=HTTPStatus.CREATED,
    )


@require_safe
@never_cache
@sign_in_required
def looked(request: AuthenticatedHttpRequest, job_id: UUID, look_id: UUID) -> HttpResponse:
    """What the ended run `look_id` found."""
    job, made = require_run(request, job_id), require_run(request, look_id)
    if not made.positions or made.model_id != job.model_id:
        raise Http404
    try:
        return JsonResponse(read_look(job, made))
    except DomainError as error:
        return _refuse(error)


def _read_token(request: AuthenticatedHttpRequest) -> tuple[Part, int]:
    try:
        return Part(request.POST.get("part", "")), int(request.POST.get("index", ""))
    except ValueError:
        raise invalid_value("Name a token by part and index.", field="index") from None


def _refuse(error: DomainError) -> HttpResponse:
    refusal = describe_refusal(error)
    status = refusal.status or HTTPStatus.BAD_REQUEST
    return JsonResponse({"error": refusal.as_json()}, status=status)
