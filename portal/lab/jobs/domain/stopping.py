"""Stops and erases people's runs, any number at a time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from inference_workers.contract import Cancelled, CancelReason
from portal.lab.jobs.domain.dispatch import signal_cancels
from portal.lab.jobs.domain.lifecycle import (
    ask_to_stop,
    end_queued,
    erase_streams_of_ended,
    lock_jobs,
    name_subject,
)
from portal.lab.jobs.domain.results import ERASED
from portal.lab.jobs.enums import ACTIVE_STATES, JobState
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.signals import jobs_erased
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry, record_all
from portal.platform.audit.enums import AuditTag

ERASED_TOGETHER: Final = 1000
"""In one transaction, during which all other writers of the audit log wait."""


def stop_jobs(
    jobs: QuerySet[GenerationJob], *, reason: CancelReason, actor: User | None
) -> dict[UUID, JobState]:
    """Stop the jobs that have not ended; return the state of each of them.

    Workers are asked to stop running jobs before any other message is sent; queued jobs end here.
    The number of statements does not depend on the number of jobs.
    """
    with transaction.atomic():
        rows = lock_jobs(jobs, *ACTIVE_STATES)
        running = [row for row in rows if row.state == JobState.RUNNING]
        queued = [row for row in rows if row.state == JobState.QUEUED]
        # No worker has the message of a job that is held back.
        told = [*running, *(row for row in queued if row.sent_at is not None)]
        transaction.on_commit(lambda: signal_cancels(told, reason=reason))
        ask_to_stop(running, reason=reason, actor=actor)
        end_queued(queued, Cancelled(reason=reason), actor=actor)
    return {
        **{row.pk: JobState.RUNNING for row in running},
        **{row.pk: JobState.CANCELLED for row in queued},
    }


def request_cancel(job: GenerationJob, *, reason: CancelReason, actor: User | None) -> JobState:
    """Stop one job, as `stop_jobs` does, and return its state.

    A job that has ended is not changed.
    """
    one = GenerationJob.objects.filter(pk=job.pk)
    state = stop_jobs(one, reason=reason, actor=actor).get(job.pk)
    return state or JobState(one.values_list("state", flat=True).get())


def erase_jobs(jobs: QuerySet[GenerationJob], *, actor: User | None) -> int:
    """Stop the jobs if necessary, erase their prompts and texts, and keep their counts.

    Returns the number of jobs that were not erased before.
    """
    ids = list(jobs.filter(erased_at__isnull=True).values_list("pk", flat=True))
    stop_jobs(GenerationJob.objects.filter(pk__in=ids), reason=CancelReason.DELETED, actor=actor)
    return sum(
        _erase(ids[first : first + ERASED_TOGETHER], actor=actor)
        for first in range(0, len(ids), ERASED_TOGETHER)
    )


def erase_job(job: GenerationJob, *, actor: User | None) -> bool:
    """The same for one job; False if it was erased before."""
    return erase_jobs(GenerationJob.objects.filter(pk=job.pk), actor=actor) == 1


@transaction.atomic
def _erase(ids: Sequence[UUID], *, actor: User | None) -> int:
    rows = lock_jobs(GenerationJob.objects.filter(pk__in=ids, erased_at__isnull=True), *JobState)
    GenerationJob.objects.filter(pk__in=[row.pk for row in rows]).update(
        **ERASED, erased_at=timezone.now()
    )
    jobs_erased.send(sender=GenerationJob, runs=[row.pk for row in rows])
    record_all([Entry(AuditTag.JOB_ERASED, actor, name_subject(row)) for row in rows])
    transaction.on_commit(lambda: erase_streams_of_ended([row.pk for row in rows]))
    return len(rows)
