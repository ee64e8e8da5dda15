"""The only code that writes a job's state: compare-and-set along `enums.TRANSITIONS`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Done,
    Failed,
    FailureCode,
    FinishReason,
    JobOutcome,
    JobStarted,
    Provenance,
    TerminalEvent,
    Usage,
)
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.dispatch import send_generation
from portal.lab.jobs.domain.events import erase_streams, mark_recorded, publish_ends
from portal.lab.jobs.domain.results import completion_of, describe_made
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.enums import (
    ACTIVE_STATES,
    FINAL_STATES,
    TRANSITIONS,
    JobState,
)
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.lab.jobs.signals import jobs_ended
from portal.lab.quota.domain.ledger import settle_tokens
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry, record, record_all
from portal.platform.audit.enums import AuditTag

MAX_ATTEMPTS = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a job ends, and what it has produced."""

    end: TerminalEvent
    made: Completion = field(default_factory=Completion)
    usage: Usage | None = None
    first_token_ms: int | None = None
    prompt_token_ids: tuple[int, ...] = ()
    provenance: Provenance | None = None


# One statement for all jobs of a message; the ORM can only set the same values for many rows.
_START: Final = """
WITH known AS MATERIALIZED (
    -- In the order that all statements use to lock several runs, to avoid deadlocks.
    SELECT id FROM jobs_generationjob WHERE id = ANY (%(ids)s::uuid[]) ORDER BY id FOR UPDATE
)
UPDATE jobs_generationjob AS job
SET state = %(running)s, worker = start.worker, missing_since = NULL,
    started_at = least(start.started_at, %(now)s), deadline_at = %(deadline_at)s,
    prompt_tokens = start.prompt_tokens
FROM unnest(
    %(ids)s::uuid[], %(attempts)s::int[], %(workers)s::text[], %(times)s::timestamptz[],
    %(tokens)s::int[]
) AS start (id, attempt, worker, started_at, prompt_tokens)
JOIN known USING (id)
WHERE job.id = start.id AND job.attempt <= start.attempt AND job.state = ANY (%(sources)s)
RETURNING job.id
"""


def record_started(starts: Sequence[JobStarted]) -> set[uuid.UUID]:
    """Record that workers run these jobs now; return the ids of the jobs that were updated.

    The others have ended or run as a later attempt; for an ended job the end is published again.
    """
    latest = {start.job_id: start for start in sorted(starts, key=lambda start: start.attempt)}
    now = timezone.now()
    values: dict[str, Any] = {
        "running": JobState.RUNNING.value,
        "now": now,
        "deadline_at": now + timedelta(seconds=settings.RUN_DEADLINE_SECONDS),
        "sources": [state.value for state in _sources(JobState.RUNNING)],
        "ids": list(latest),
        "attempts": [start.attempt for start in latest.values()],
        "workers": [start.worker for start in latest.values()],
        "times": [start.started_at for start in latest.values()],
        "tokens": [start.prompt_tokens for start in latest.values()],
    }
    with connection.cursor() as cursor:
        cursor.execute(_START, values)
        moved = {row[0] for row in cursor.fetchall()}
    for job_id in latest.keys() - moved:
        _repeat_end(job_id)
    return moved


def record_outcome(outcome: JobOutcome) -> bool:
    """End the job with its worker's outcome; False if it had ended before. Safe to repeat."""
    job = GenerationJob.objects.defer(*LARGE_FIELDS).filter(pk=outcome.job_id).first()
    if job is None:
        mark_recorded(outcome.job_id)
        return False
    ending = Ending(
        end=outcome.end,
        made=completion_of(outcome),
        usage=outcome.usage,
        first_token_ms=outcome.first_token_ms,
        prompt_token_ids=outcome.prompt_token_ids,
        provenance=outcome.provenance,
    )
    return end_job(job, ending)


def lock_jobs(jobs: QuerySet[GenerationJob], *states: JobState) -> list[GenerationJob]:
    """Lock the jobs in one of the states until the transaction ends.

    Their large fields are not read. All callers lock in the same order, to avoid deadlocks.
    """
    rows = jobs.filter(state__in=states).defer(*LARGE_FIELDS).order_by("pk")
    return list(rows.select_for_update(of=("self",)))


def end_queued(
    jobs: Sequence[GenerationJob], end: Cancelled | Failed, *, actor: User | None = None
) -> None:
    """Give queued jobs, which have produced nothing, the same end, in one statement.

    The caller has locked them with `lock_jobs` in the same transaction.
    """
    if not jobs:
        return
    target = _target(end)
    fields = {"state": target, **_describe_end(end), "finished_at": timezone.now()}
    GenerationJob.objects.filter(
        pk__in=[job.pk for job in jobs], state__in=_sources(target)
    ).update(**fields, completion_tokens=0, missing_since=None)
    settle_tokens({job.pk: job.prompt_tokens or 0 for job in jobs})
    data = _describe_in_log(end, completion_tokens=0)
    record_all([Entry(AuditTag.JOB_FINISHED, actor, name_subject(job), data) for job in jobs])
    transaction.on_commit(lambda: _after_ends(jobs, end))


def ask_to_stop(jobs: Sequence[GenerationJob], *, reason: CancelReason, actor: User | None) -> None:
    """Record once for each running job that it is to stop. The caller has locked the jobs."""
    news = [job for job in jobs if job.cancel_requested_at is None]
    if not news:
        return
    GenerationJob.objects.filter(pk__in=[job.pk for job in news]).update(
        cancel_requested_at=timezone.now(), cancel_reason=reason
    )
    data = {"reason": reason.value}
    record_all(
        [Entry(AuditTag.JOB_CANCEL_REQUESTED, actor, name_subject(job), data) for job in news]
    )


def end_job(job: GenerationJob, ending: Ending, *, actor: User | None = None) -> bool:
    """End the job; False if it has ended before."""
    target = _target(ending.end)
    usage = ending.usage or Usage(
        prompt_tokens=job.prompt_tokens or 0, completion_tokens=len(ending.made.token_ids)
    )
    fields: dict[str, Any] = {
        **_describe_end(ending.end),
        "finished_at": timezone.now(),
        "prompt_tokens": usage.prompt_tokens or job.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "first_token_ms": ending.first_token_ms,
        "missing_since": None,
    }
    with transaction.atomic():
        row = GenerationJob.objects.filter(pk=job.pk)
        moved = row.filter(state__in=_sources(target)).update(state=target, **fields)
        if moved:
            row.filter(erased_at__isnull=True).update(
                **describe_made(
                    ending.made,
                    prompt_token_ids=ending.prompt_token_ids,
                    provenance=ending.provenance,
                )
            )
            settle_tokens({job.pk: usage.prompt_tokens + usage.completion_tokens})
            data = _describe_in_log(ending.end, completion_tokens=usage.completion_tokens)
            record(AuditTag.JOB_FINISHED, actor=actor, subject=name_subject(job), data=data)
            transaction.on_commit(lambda: _after_ends([job], ending.end))
        else:
            transaction.on_commit(lambda: _acknowledge(job.pk))
    return bool(moved)


def fail_job(job: GenerationJob, *, code: FailureCode, made: Completion, detail: str = "") -> bool:
    """End the job as failed, and keep what it produced."""
    return end_job(job, Ending(end=Failed(code=code, detail=detail), made=made))


def requeue_job(job: GenerationJob) -> bool:
    """Send the job again as its next attempt; False if it has changed meanwhile."""
    now = timezone.now()
    with transaction.atomic():
        moved = GenerationJob.objects.filter(
            pk=job.pk, state=job.state, attempt=job.attempt, state__in=ACTIVE_STATES
        ).update(
            state=JobState.QUEUED,
            attempt=job.attempt + 1,
            sent_at=now,
            worker="",
            missing_since=None,
            deadline_at=now + timedelta(seconds=settings.QUEUE_DEADLINE_SECONDS)
            if job.state == JobState.RUNNING
            else job.deadline_at,
        )
        if moved:
            job.refresh_from_db()
            transaction.on_commit(lambda: send_generation(job))
            log.info("job_requeued", job_id=str(job.pk), attempt=job.attempt)
    return bool(moved)


def return_to_queue(job: GenerationJob) -> bool:
    """Queue a running job whose worker put its message back, as the same attempt."""
    return bool(
        GenerationJob.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt).update(
            state=JobState.QUEUED,
            worker="",
            missing_since=None,
            deadline_at=timezone.now() + timedelta(seconds=settings.QUEUE_DEADLINE_SECONDS),
        )
    )


def name_subject(job: GenerationJob) -> str:
    """The job's name in the audit log."""
    return f"job:{job.pk}"


def erase_streams_of_ended(job_ids: Sequence[uuid.UUID]) -> None:
    """Erase the streams of erased jobs that have ended; a running job's stream is erased later."""
    ended = GenerationJob.objects.filter(
        pk__in=job_ids, state__in=FINAL_STATES, erased_at__isnull=False
    )
    erase_streams(dict(ended.values_list("pk", "positions")))


def _after_ends(jobs: Sequence[GenerationJob], end: TerminalEvent) -> None:
    ids = [job.pk for job in jobs]
    publish_ends(ids, end)
    erase_streams_of_ended(ids)
    for deployment in sorted({job.deployment for job in jobs}):
        send_waiting(deployment)
    jobs_ended.send_robust(sender=GenerationJob, jobs=jobs)


def _acknowledge(job_id: uuid.UUID) -> None:
    """Confirm the end of a job that had ended before."""
    mark_recorded(job_id)
    erase_streams_of_ended([job_id])


def _repeat_end(job_id: uuid.UUID) -> None:
    """Publish the end of a job that a worker has begun because the end never reached the broker."""
    job = GenerationJob.objects.defer(*LARGE_FIELDS).filter(pk=job_id).first()
    if job is not None and job.state in FINAL_STATES:
        publish_ends([job_id], rebuild_end(job))


def rebuild_end(job: GenerationJob) -> TerminalEvent:
    """The terminal event of a job that has ended, from its row."""
    if job.state == JobState.SUCCEEDED:
        usage = Usage(
            prompt_tokens=job.prompt_tokens or 0, completion_tokens=job.completion_tokens or 0
        )
        return Done(finish_reason=FinishReason(job.finish_reason), usage=usage)
    if job.state == JobState.CANCELLED:
        reason = CancelReason(job.cancel_reason or CancelReason.USER)
        return Cancelled(reason=reason, freed_ms=job.freed_ms)
    return Failed(code=FailureCode(job.failure_code))


def _sources(target: JobState) -> list[JobState]:
    return [state for state, targets in TRANSITIONS.items() if target in targets]


def _target(end: TerminalEvent) -> JobState:
    match end:
        case Done():
            return JobState.SUCCEEDED
        case Cancelled():
            return JobState.CANCELLED
        case Failed():
            return JobState.FAILED


def _describe_end(end: TerminalEvent) -> dict[str, Any]:
    match end:
        case Done():
            return {"finish_reason": end.finish_reason.value}
        case Cancelled():
            return {"cancel_reason": end.reason.value, "freed_ms": end.freed_ms}
        case Failed():
            return {
                "failure_code": end.code.value,
                "failure_detail": end.detail.replace("\0", "")[:300],
            }


def _describe_in_log(end: TerminalEvent, *, completion_tokens: int) -> dict[str, object]:
    told = _describe_end(end)
    return {
        "state": _target(end).value,
        "completion_tokens": completion_tokens,
        "failure_code": told.get("failure_code", ""),
        "cancel_reason": told.get("cancel_reason", ""),
    }
