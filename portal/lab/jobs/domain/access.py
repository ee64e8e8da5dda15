"""Stops running jobs when the right to the model ends."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db.models import Exists, OuterRef
from django.utils import timezone

from inference_workers.contract import CancelReason
from portal.gate.access.domain.decide import Decision, decide
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.admission import CAPABILITIES
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.enums import ACTIVE_STATES, Origin
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.platform.accounts.models import User
from portal.platform.core.each import do_each


def cancel_jobs_without_access(*, user_id: int, model_id: int) -> int:
    """Check the person's active jobs on the model again; stop those without a right.

    Returns the number of jobs stopped.
    """
    jobs = GenerationJob.objects.filter(user_id=user_id, model_id=model_id, state__in=ACTIVE_STATES)
    doors = set(jobs.values_list("origin", flat=True))
    if not doors:
        return 0
    user = User.objects.get(pk=user_id)
    model = HostedModel.objects.select_related("release__licence").get(pk=model_id)
    now = timezone.now()
    closed = [
        door for door in doors if not decide(user, model, CAPABILITIES[Origin(door)], now).allowed
    ]
    shut_out = jobs.filter(origin__in=closed)
    return len(stop_jobs(shut_out, reason=CancelReason.ACCESS_ENDED, actor=None))


def cancel_jobs_past_an_end(*, at: datetime) -> int:
    """Stop jobs that began under a grant that has ended since; return their number.

    Takes one query if there are none, so that it can be called every second.
    """
    ended = Grant.objects.filter(
        user=OuterRef("user"),
        model=OuterRef("model"),
        state=GrantState.ACTIVE,
        ends_at__gt=OuterRef("created_at"),
        ends_at__lte=at,
    )
    jobs = GenerationJob.objects.filter(
        Exists(ended), state__in=ACTIVE_STATES, cancel_requested_at=None
    )
    pairs = set(jobs.values_list("user_id", "model_id"))
    return sum(
        do_each(
            sorted(pairs),
            lambda pair: cancel_jobs_without_access(user_id=pair[0], model_id=pair[1]),
            doing="cancel_jobs_past_an_end",
        )
    )


def explain_ended_access(job_id: UUID) -> Decision | None:
    """Why the job's owner may not use its model now; None if they may use it again."""
    jobs = GenerationJob.objects.select_related("user", "model__release__licence")
    job = jobs.defer(*LARGE_FIELDS).get(pk=job_id)
    decision = decide(job.user, job.model, CAPABILITIES[Origin(job.origin)], timezone.now())
    return None if decision.allowed else decision
