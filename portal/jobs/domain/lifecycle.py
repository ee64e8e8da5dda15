"""The only writer of a job's state: compare-and-set along `enums.TRANSITIONS`."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final

import structlog
from django.conf import settings
from django.db import connection, transaction
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
from portal.accounts.models import User
from portal.audit.domain.record import record
from portal.audit.enums import AuditTag
from portal.jobs.domain.completion import Completion
from portal.jobs.domain.dispatch import send_generation, signal_cancel
from portal.jobs.domain.events import erase_stream, mark_recorded, publish_end
from portal.jobs.domain.results import ERASED, completion_of, describe_made
from portal.jobs.domain.scheduling import send_waiting
from portal.jobs.enums import (
    ACTIVE_STATES,
    FINAL_STATES,
    TRANSITIONS,
    JobState,
)
from portal.jobs.models import LARGE_FIELDS, GenerationJob
from portal.jobs.signals import job_ended
from portal.usage.domain.quota import settle_tokens

MAX_ATTEMPTS = 4

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Ending:
    """How a job ends and what it leaves."""

    end: TerminalEvent
    made: Completion = field(default_factory=Completion)
    usage: Usage | None = None
    first_token_ms: int | None = None
    prompt_token_ids: tuple[int, ...] = ()
    provenance: Provenance | None = None


# One statement for all that began at a moment; the ORM can set only the same values for many rows.
_START: Final = """
UPDATE jobs_generationjob AS job
SET state = %(running)s, worker = start.worker, missing_since = NULL,
    started_at = least(start.started_at, %(now)s), deadline_at = %(deadline_at)s,
    prompt_tokens = start.prompt_tokens
FROM unnest(
    %(ids)s::uuid[], %(attempts)s::int[], %(workers)s::text[], %(times)s::timestamptz[],
    %(tokens)s::int[]
) AS start (id, attempt, worker, started_at, prompt_tokens)
WHERE job.id = start.id AND job.attempt <= start.attempt AND job.state = ANY (%(sources)s)
RETURNING job.id
"""


def record_started(starts: Sequence[JobStarted]) -> set[uuid.UUID]:
    """Workers run these jobs now; answers which of them were taken at their word.

    The others have ended or run as a later attempt; the end of one that has ended is told again.
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
    """Finish the job as its worker says; False when it had ended before. Safe to repeat."""
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


def request_cancel(job: GenerationJob, *, reason: CancelReason, actor: User | None) -> JobState:
    """Stop a job and answer its state: a queued one ends here, a running one is asked to.

    A job that has ended is left as it is.
    """
    with transaction.atomic():
        # The lock makes "queued or running" hold until the commit.
        row = GenerationJob.objects.select_for_update().defer(*LARGE_FIELDS).get(pk=job.pk)
        if not row.is_active:
            return JobState(row.state)
        transaction.on_commit(
            lambda: signal_cancel(row.pk, deployment=row.deployment, reason=reason)
        )
        if row.state == JobState.QUEUED:
            end_job(row, Ending(end=Cancelled(reason=reason)), actor=actor)
            return JobState.CANCELLED
        if row.cancel_requested_at is None:
            _request_cancel_of_running(row, reason=reason, actor=actor)
        return JobState.RUNNING


def end_job(job: GenerationJob, ending: Ending, *, actor: User | None = None) -> bool:
    """Give the job its one end; False when it has one already."""
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
            settle_tokens(job=job.pk, tokens=usage.prompt_tokens + usage.completion_tokens)
            data = {
                "state": target.value,
                "completion_tokens": usage.completion_tokens,
                "failure_code": fields.get("failure_code", ""),
                "cancel_reason": fields.get("cancel_reason", ""),
            }
            record(AuditTag.JOB_FINISHED, actor=actor, subject=_subject(job), data=data)
        transaction.on_commit(lambda: _after_end(job, ending.end, moved=bool(moved)))
    return bool(moved)


def fail_job(job: GenerationJob, *, code: FailureCode, made: Completion, detail: str = "") -> bool:
    """End the job as failed, keeping what it produced."""
    return end_job(job, Ending(end=Failed(code=code, detail=detail), made=made))


def requeue_job(job: GenerationJob) -> bool:
    """Send the job again as its next attempt; False when it has changed meanwhile."""
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
    """A running job whose worker put its message back is queued again, as the same attempt."""
    return bool(
        GenerationJob.objects.filter(pk=job.pk, state=JobState.RUNNING, attempt=job.attempt).update(
            state=JobState.QUEUED,
            worker="",
            missing_since=None,
            deadline_at=timezone.now() + timedelta(seconds=settings.QUEUE_DEADLINE_SECONDS),
        )
    )


def erase_job(job: GenerationJob, *, actor: User | None) -> bool:
    """Stop the job if need be, erase its prompt and text, and keep its counts.

    False when it had been erased before.
    """
    request_cancel(job, reason=CancelReason.DELETED, actor=actor)
    with transaction.atomic():
        erased = GenerationJob.objects.filter(pk=job.pk, erased_at__isnull=True).update(
            **ERASED, erased_at=timezone.now()
        )
        if erased:
            record(AuditTag.JOB_ERASED, actor=actor, subject=_subject(job))
            transaction.on_commit(lambda: _erase_stream_of_ended(job.pk))
    return bool(erased)


def _request_cancel_of_running(
    row: GenerationJob, *, reason: CancelReason, actor: User | None
) -> None:
    row.cancel_requested_at = timezone.now()
    row.cancel_reason = reason
    row.save(update_fields=["cancel_requested_at", "cancel_reason"])
    data = {"reason": reason.value}
    record(AuditTag.JOB_CANCEL_REQUESTED, actor=actor, subject=_subject(row), data=data)


def _after_end(job: GenerationJob, end: TerminalEvent, *, moved: bool) -> None:
    if moved:
        publish_end(job.pk, end)
    mark_recorded(job.pk)
    _erase_stream_of_ended(job.pk)
    if moved:
        send_waiting(job.deployment)
        job_ended.send_robust(sender=GenerationJob, job=job)


def _erase_stream_of_ended(job_id: uuid.UUID) -> None:
    """A worker still writes to a running job's stream; what it leaves is erased at the end."""
    if GenerationJob.objects.filter(
        pk=job_id, state__in=FINAL_STATES, erased_at__isnull=False
    ).exists():
        erase_stream(job_id)


def _repeat_end(job_id: uuid.UUID) -> None:
    """A worker began a job that had ended, because the end never reached the broker."""
    job = GenerationJob.objects.defer(*LARGE_FIELDS).filter(pk=job_id).first()
    if job is not None and job.state in FINAL_STATES:
        publish_end(job_id, rebuild_end(job))


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
            return {"failure_code": end.code.value, "failure_detail": end.detail[:300]}


def _subject(job: GenerationJob) -> str:
    return f"job:{job.pk}"
