"""Runs after their submission: stopping, deleting."""

from __future__ import annotations

from http import HTTPStatus
from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse, JsonResponse
from django.shortcuts import redirect
from django.views.decorators.http import require_POST

from inference_workers.contract import CancelReason
from portal.lab.jobs.domain.stopping import erase_job, request_cancel
from portal.lab.playground.own_runs import require_run
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.http import wants_json


@require_POST
@sign_in_required
def stop(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """Stop the run; a run that has ended is not changed."""
    job = require_run(request, job_id)
    state = request_cancel(job, reason=CancelReason.USER, actor=request.user)
    if wants_json(request):
        return JsonResponse({"state": state}, status=HTTPStatus.ACCEPTED)
    return redirect("playground:run", job.pk)


@require_POST
@sign_in_required
def delete(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """Erase the run's prompt and text; a running one is stopped first."""
    job = require_run(request, job_id)
    erase_job(job, actor=request.user)
    if wants_json(request):
        return JsonResponse({"state": "erased"})
    messages.success(request, "The run was deleted. Only its token counts are kept.")
    return redirect("playground:history")
