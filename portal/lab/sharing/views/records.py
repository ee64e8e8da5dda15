"""A run's receipt as a file."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404, HttpResponse, JsonResponse
from django.views.decorators.http import require_safe

from portal.lab.jobs.domain.receipts import find_own_job, write_receipt
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.personal import personal


@require_safe
@personal
def receipt(request: AuthenticatedHttpRequest, job_id: UUID) -> HttpResponse:
    """Everything that is stored about a run of the person."""
    job = find_own_job(request.user, job_id)
    if job is None:
        raise Http404
    return JsonResponse(
        write_receipt(job),
        json_dumps_params={"ensure_ascii": False, "indent": 2},
        headers={"Content-Disposition": f'attachment; filename="run-{job.pk}.json"'},
    )
