"""A right that ends takes the running jobs with it."""

from __future__ import annotations

from django.utils import timezone

from inference_workers.contract import CancelReason
from portal.access.domain.decide import decide
from portal.jobs.domain.admission import CAPABILITIES
from portal.jobs.domain.lifecycle import request_cancel
from portal.jobs.enums import ACTIVE_STATES, Origin
from portal.jobs.models import LARGE_FIELDS, GenerationJob


def cancel_jobs_without_access(*, user_id: int, model_id: int) -> int:
    """Ask again for every active job of the person on the model; stop those without a right."""
    jobs = (
        GenerationJob.objects.filter(user_id=user_id, model_id=model_id, state__in=ACTIVE_STATES)
        .select_related("user", "model__release__licence")
        .defer(*LARGE_FIELDS)
    )
    stopped = 0
    for job in jobs:
        capability = CAPABILITIES[Origin(job.origin)]
        if not decide(job.user, job.model, capability, timezone.now()).allowed:
            request_cancel(job, reason=CancelReason.ACCESS_ENDED, actor=None)
            stopped += 1
    return stopped
