"""The run that an address or a field names."""

from __future__ import annotations

from uuid import UUID

from django.http import Http404

from portal.lab.jobs.domain.history import find_run
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.http import AuthenticatedHttpRequest


def require_run(request: AuthenticatedHttpRequest, job_id: UUID) -> GenerationJob:
    """The person's run; others' runs do not exist for them."""
    job = find_run(request.user, job_id)
    if job is None:
        raise Http404
    return job


def find_named_run(request: AuthenticatedHttpRequest, name: str) -> GenerationJob | None:
    """The person's run whose id the text is, or None."""
    try:
        return find_run(request.user, UUID(name))
    except ValueError:
        return None
