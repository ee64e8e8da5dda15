"""Finds jobs that the broker or a worker lost, and jobs whose deadline has passed.

The database is the record; the broker says which jobs it still knows. If the broker does not
answer, nothing is changed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Final

import redis
import structlog
from django.db import connection, transaction
from django.utils import timezone

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Failed,
    FailureCode,
    JobStarted,
)
from portal.lab.jobs.domain.broker_state import BrokerState, look_up
from portal.lab.jobs.domain.dispatch import signal_cancels
from portal.lab.jobs.domain.events import read_stream, reopen_stream
from portal.lab.jobs.domain.lifecycle import (
    MAX_ATTEMPTS,
    Ending,
    end_job,
    end_queued,
    fail_job,
    lock_jobs,
    record_started,
    requeue_job,
    return_to_queue,
)
from portal.lab.jobs.domain.reaper_actions import ReaperAction, count_action
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.enums import ACTIVE_STATES, JobState
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.platform.core.each import do_each

ABSENCE: Final = timedelta(seconds=2.5)
"""How long a job is missing before it is sent again: a worker that lost the broker for a moment
renews its leases within two seconds."""
_LOCK: Final = 7_235_003
_HELD_BACK: Final = GenerationJob.objects.filter(state=JobState.QUEUED, sent_at__isnull=True)

log = structlog.get_logger(__name__)


def reap_jobs() -> None:
    """Check every active job once. Does nothing while another process does it."""
    with _alone() as is_alone:
        if not is_alone:
            return
        _expire_held_back(timezone.now())
        _look_at_sent()
        held_back = _HELD_BACK.order_by("deployment").values_list("deployment", flat=True)
        do_each(held_back.distinct(), send_waiting, doing="send_waiting")


def _look_at_sent() -> None:
    """Check the jobs whose message was sent to the workers, where it can be lost."""
    jobs = list(
        GenerationJob.objects.filter(state__in=ACTIVE_STATES)
        .exclude(state=JobState.QUEUED, sent_at__isnull=True)
        .defer(*LARGE_FIELDS)
        .order_by("created_at")
    )
    if not jobs:
        return
    try:
        sightings = look_up(jobs)
    except redis.RedisError as error:
        log.warning("reaper_cannot_see", error=type(error).__name__)
        return
    do_each(
        jobs, lambda job: _judge_if_seen(job, sightings[job.pk], timezone.now()), doing="reap_job"
    )


@transaction.atomic
def _expire_held_back(now: datetime) -> None:
    """End late jobs that were held back, all together, since no worker has begun them."""
    late = lock_jobs(_HELD_BACK.filter(deadline_at__lt=now), JobState.QUEUED)
    end_queued(late, Failed(code=FailureCode.EXPIRED_IN_QUEUE))
    transaction.on_commit(lambda: count_action(ReaperAction.EXPIRED, times=len(late)))


def _judge_if_seen(job: GenerationJob, broker_state: BrokerState, now: datetime) -> None:
    try:
        _judge(job, broker_state, now)
    except redis.RedisError as error:
        log.warning("reaper_cannot_see", job_id=str(job.pk), error=type(error).__name__)


def _judge(job: GenerationJob, broker_state: BrokerState, now: datetime) -> None:
    if broker_state.is_ended and broker_state.leased_to is None and _take_end_from_stream(job):
        return
    if job.cancel_requested_at is not None:
        _see_to_cancel(job, broker_state)
    elif now > job.deadline_at:
        _expire(job)
    elif broker_state.leased_to is not None:
        _see_to_leased(job, broker_state)
    elif broker_state.is_queued:
        _see_to_queued(job)
    else:
        _see_to_missing(job, broker_state, now)


def _take_end_from_stream(job: GenerationJob) -> bool:
    """Take the end from the stream, if a worker ended the job but its outcome never arrived."""
    streamed = read_stream(job.pk)
    if streamed.end is None:
        return False
    log.info("outcome_taken_from_stream", job_id=str(job.pk))
    count_action(ReaperAction.TAKEN_FROM_STREAM)
    usage = getattr(streamed.end, "usage", None)
    return end_job(job, Ending(streamed.end, made=streamed, usage=usage))


def _see_to_cancel(job: GenerationJob, broker_state: BrokerState) -> None:
    reason = CancelReason(job.cancel_reason)
    if broker_state.leased_to is not None:
        signal_cancels([job], reason=reason)
        return
    count_action(ReaperAction.CANCELLED)
    end_job(job, Ending(Cancelled(reason=reason), made=read_stream(job.pk)))


def _expire(job: GenerationJob) -> None:
    count_action(ReaperAction.EXPIRED)
    is_queued = job.state == JobState.QUEUED
    code = FailureCode.EXPIRED_IN_QUEUE if is_queued else FailureCode.DEADLINE_EXCEEDED
    fail_job(job, code=code, made=read_stream(job.pk))


def _see_to_leased(job: GenerationJob, broker_state: BrokerState) -> None:
    _found(job)
    if job.state != JobState.QUEUED or not broker_state.is_streamed or broker_state.is_ended:
        return
    started = read_stream(job.pk).started
    start = JobStarted(
        job_id=job.pk,
        worker=broker_state.leased_to or "",
        attempt=job.attempt,
        started_at=timezone.now(),
        prompt_tokens=started.prompt_tokens if started else 0,
    )
    record_started([start])


def _see_to_queued(job: GenerationJob) -> None:
    _found(job)
    if job.state == JobState.RUNNING:
        count_action(ReaperAction.RETURNED)
        return_to_queue(job)


def _see_to_missing(job: GenerationJob, broker_state: BrokerState, now: datetime) -> None:
    if job.missing_since is None:
        GenerationJob.objects.filter(pk=job.pk, state=job.state).update(missing_since=now)
    elif now - job.missing_since >= ABSENCE:
        _send_again(job, broker_state)


def _send_again(job: GenerationJob, broker_state: BrokerState) -> None:
    if job.attempt >= MAX_ATTEMPTS:
        count_action(ReaperAction.LOST)
        fail_job(
            job,
            code=FailureCode.WORKER_LOST,
            made=read_stream(job.pk),
            detail=f"missing after {job.attempt} attempts",
        )
        return
    if broker_state.is_ended:
        reopen_stream(job.pk)
    count_action(ReaperAction.REQUEUED)
    requeue_job(job)


def _found(job: GenerationJob) -> None:
    if job.missing_since is not None:
        GenerationJob.objects.filter(pk=job.pk).update(missing_since=None)


@contextmanager
def _alone() -> Iterator[bool]:
    """Whether no other process holds the reaper's lock; our lock is released at the end."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_lock(%s)", [_LOCK])
        is_alone = bool(cursor.fetchone()[0])
        try:
            yield is_alone
        finally:
            if is_alone and connection.is_usable():
                cursor.execute("SELECT pg_advisory_unlock(%s)", [_LOCK])
