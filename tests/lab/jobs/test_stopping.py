"""Stopping all runs of one person costs the same for any number of runs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
import redis
from django.db import connection, transaction
from django.db.models import QuerySet
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    ControlMessage,
    Failed,
    FailureCode,
    cancel_key,
    recorded_key,
)
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.lab.jobs.domain.access import cancel_jobs_without_access
from portal.lab.jobs.domain.erasure import erase_runs
from portal.lab.jobs.domain.events import read_stream
from portal.lab.jobs.domain.lifecycle import record_outcome, record_started
from portal.lab.jobs.domain.reaper import reap_jobs
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.enums import JobClass, JobState, Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.signals import jobs_ended
from portal.lab.quota.models import Reservation
from portal.platform.audit.domain.record import find_breaks
from portal.platform.audit.models import AuditEvent
from tests.factories.jobs import FakeWorker, GenerationJobFactory, beat, make_researcher
from tests.factories.usage import reserve_tokens
from tests.lab.jobs.conftest import listen, message_ids, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)


def own_jobs(*, running: int, sent: int, held_back: int, ended: int = 0) -> QuerySet[GenerationJob]:
    """Runs of one call of a person, those that wait first."""
    user, model = make_researcher()
    common = {"user": user, "model": model, "job_class": JobClass.API, "origin": Origin.API}
    made = [
        *(GenerationJobFactory.create(**common, held_back=True) for _ in range(held_back)),
        *(GenerationJobFactory.create(**common) for _ in range(sent)),
        *(GenerationJobFactory.create(**common, running=True) for _ in range(running)),
        *(GenerationJobFactory.create(**common, succeeded=True) for _ in range(ended)),
    ]
    for job in made:
        reserve_tokens(user, model=model, job=job.pk, tokens=20)
    return GenerationJob.objects.filter(user=user)


def count_queries(act: Callable[[], object]) -> int:
    with CaptureQueriesContext(
        connection,
    ) as captured:
        act()
    return len(captured)


def states(jobs: QuerySet[GenerationJob]) -> list[tuple[str, str]]:
    return sorted(jobs.values_list("state", "cancel_reason"))


def test_each_is_stopped_as_it_stands(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=1, sent=1, held_back=1, ended=1)
    actor = jobs[0].user

    stopped = stop_jobs(jobs, reason=CancelReason.USER, actor=actor)

    assert states(jobs) == [
        ("cancelled", "user"), ("cancelled", "user"), ("running", "user"), ("succeeded", ""),
    ]  # fmt: skip
    assert sorted(stopped.values()) == [JobState.CANCELLED, JobState.CANCELLED, JobState.RUNNING]
    running = jobs.get(state=JobState.RUNNING)
    assert running.cancel_requested_at is not None
    ended = jobs.filter(state=JobState.CANCELLED)
    for job in ended:
        assert (job.completion_tokens, job.finished_at is None) == (0, False)
        assert read_stream(job.pk).end == Cancelled(reason=CancelReason.USER)
        assert valkey.exists(recorded_key(job.pk)) == 1


def test_the_quota_is_settled_for_what_ended_alone(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=1, sent=1, held_back=1)
    again = jobs.get(sent_at__isnull=True)
    GenerationJob.objects.filter(pk=again.pk).update(prompt_tokens=3)  # it had begun before

    stop_jobs(jobs, reason=CancelReason.USER, actor=None)

    used = dict(Reservation.objects.values_list("job", "used_tokens"))
    assert {job.state: used[job.pk] for job in jobs if job.pk != again.pk} == {
        "running": None,
        "cancelled": 0,
    }
    assert used[again.pk] == 3


def test_each_has_its_event_in_the_log(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=1, sent=1, held_back=1, ended=1)
    actor = jobs[0].user

    stop_jobs(jobs, reason=CancelReason.USER, actor=actor)

    events = AuditEvent.objects.order_by("id").values_list("tag", "actor", "subject", "data")
    running = jobs.get(state=JobState.RUNNING)
    asked, *ends = events
    assert asked == (
        "jobs.job.cancel_requested", actor.pk, f"job:{running.pk}", {"reason": "user"},
    )  # fmt: skip
    ended = sorted(f"job:{job.pk}" for job in jobs.filter(state=JobState.CANCELLED))
    data = {
        "state": "cancelled", "completion_tokens": 0, "failure_code": "", "cancel_reason": "user",
    }  # fmt: skip
    assert sorted(ends, key=lambda event: event[2]) == [
        ("jobs.job.finished", actor.pk, subject, data) for subject in ended
    ]
    assert find_breaks() == []


def test_running_ones_are_told_before_anything_else(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=2, sent=2, held_back=2)
    listener = listen(valkey, jobs[0].deployment)

    stop_jobs(jobs, reason=CancelReason.USER, actor=None)

    told = []
    while (message := listener.get_message(timeout=0.2)) is not None:
        told.append(ControlMessage.model_validate_json(message["data"]).job_id)
    listener.close()
    running = set(jobs.filter(state=JobState.RUNNING).values_list("pk", flat=True))
    sent = set(
        jobs.filter(state=JobState.CANCELLED, sent_at__isnull=False).values_list("pk", flat=True)
    )
    assert (set(told[:2]), set(told[2:])) == (running, sent)
    assert all(valkey.get(cancel_key(job_id)) == "user" for job_id in running | sent)


def test_asking_again_tells_again_and_records_once(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=1, sent=0, held_back=0)
    stop_jobs(jobs, reason=CancelReason.USER, actor=None)
    valkey.flushall()

    stop_jobs(jobs, reason=CancelReason.ACCESS_ENDED, actor=None)

    assert valkey.get(cancel_key(jobs[0].pk)) == "access_ended"
    assert states(jobs) == [("running", "user")]
    assert AuditEvent.objects.count() == 1


@pytest.mark.parametrize("count", [1, 40])
def test_the_number_of_queries_does_not_grow(valkey: redis.Redis, count: int) -> None:
    jobs = own_jobs(running=count, sent=count, held_back=count)

    assert count_queries(lambda: stop_jobs(jobs, reason=CancelReason.USER, actor=None)) == 14


@pytest.mark.parametrize("count", [1, 40])
def test_a_right_that_ends_costs_the_same_for_any_number(valkey: redis.Redis, count: int) -> None:
    jobs = own_jobs(running=count, sent=0, held_back=count)
    user, model = jobs[0].user, jobs[0].model
    Grant.objects.update(state=GrantState.REVOKED)
    stopped: list[int] = []

    def stop() -> None:
        stopped.append(cancel_jobs_without_access(user_id=user.pk, model_id=model.pk))

    assert count_queries(stop) == 20
    assert stopped == [2 * count]


@pytest.mark.parametrize("count", [1, 40])
def test_erasing_a_person_costs_the_same_for_any_number(valkey: redis.Redis, count: int) -> None:
    jobs = own_jobs(running=count, sent=0, held_back=count, ended=count)
    user = jobs[0].user

    assert count_queries(lambda: erase_runs(user, actor=None)) == 27

    assert set(jobs.values_list("prompt", "text")) == {("", "")}
    assert jobs.filter(erased_at=None).count() == 0
    erased = AuditEvent.objects.filter(tag="jobs.job.erased").count()
    assert erased == 3 * count


@pytest.mark.parametrize("count", [1, 40])
def test_what_waited_too_long_ends_in_one_go(valkey: redis.Redis, count: int) -> None:
    jobs = own_jobs(running=0, sent=0, held_back=count)
    jobs.update(deadline_at=timezone.now() - timedelta(seconds=1))

    assert count_queries(reap_jobs) == 14

    assert set(jobs.values_list("state", "failure_code")) == {("failed", "expired_in_queue")}
    assert set(Reservation.objects.values_list("used_tokens", flat=True)) == {0}
    end = read_stream(jobs[0].pk).end
    assert isinstance(end, Failed)
    assert end.code == FailureCode.EXPIRED_IN_QUEUE


def test_whoever_waits_hears_of_all_ends_at_once(valkey: redis.Redis) -> None:
    jobs = own_jobs(running=1, sent=1, held_back=2)
    heard: list[int] = []

    def hear(*, jobs: list[GenerationJob], **_: Any) -> None:
        heard.append(len(jobs))

    jobs_ended.connect(hear)
    try:
        stop_jobs(jobs, reason=CancelReason.USER, actor=None)
    finally:
        jobs_ended.disconnect(hear)

    assert heard == [3]


def in_threads(*acts: Callable[[], object]) -> None:
    """Run all at the same time, each on its own connection."""
    barrier = threading.Barrier(len(acts))
    errors: list[Exception] = []

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
        except Exception as error:  # noqa: BLE001 -- raised in the test's own thread
            errors.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[act]) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert errors == []


@pytest.mark.parametrize("round_", range(5))
def test_starts_stops_and_ends_at_once_leave_one_end_each(valkey: redis.Redis, round_: int) -> None:
    jobs = own_jobs(running=0, sent=12, held_back=0)
    ids = list(jobs.order_by("-pk").values_list("pk", flat=True))
    workers = [FakeWorker(valkey, job_id) for job_id in ids]

    in_threads(
        lambda: stop_jobs(jobs, reason=CancelReason.USER, actor=None),
        lambda: record_started([worker.started_message() for worker in workers]),
        lambda: [record_outcome(worker.outcome()) for worker in workers[:4]],
    )

    finished = AuditEvent.objects.filter(tag="jobs.job.finished").values_list("subject", flat=True)
    ended = jobs.exclude(state=JobState.RUNNING)
    assert sorted(finished) == sorted(f"job:{job.pk}" for job in ended)
    # Runs that have begun are asked to stop, and no other waits or continues.
    assert jobs.filter(state=JobState.QUEUED).count() == 0
    assert jobs.filter(state=JobState.RUNNING, cancel_requested_at=None).count() == 0


@pytest.mark.parametrize("round_", range(5))
def test_what_is_sent_while_it_is_stopped_is_told_so(valkey: redis.Redis, round_: int) -> None:
    beat(valkey, max_num_seqs=8)
    jobs = own_jobs(running=0, sent=0, held_back=8)

    in_threads(
        lambda: stop_jobs(jobs, reason=CancelReason.USER, actor=None),
        lambda: send_waiting("smollm2-135m"),
    )

    assert set(jobs.values_list("state", flat=True)) == {"cancelled"}
    for message in message_ids(valkey):
        assert valkey.get(cancel_key(UUID(message.partition(":")[0]))) == "user"


def test_a_stop_waits_for_who_has_the_row(valkey: redis.Redis) -> None:
    """If the run started first, this is noticed: its worker is asked to stop it."""
    jobs = own_jobs(running=0, sent=1, held_back=0)
    worker = FakeWorker(valkey, jobs[0].pk)

    def stop() -> None:
        stop_jobs(jobs, reason=CancelReason.USER, actor=None)
        connection.close()

    stopping = threading.Thread(target=stop)
    with transaction.atomic():
        record_started([worker.started_message()])
        stopping.start()
        wait_until_blocked()
    stopping.join()

    assert states(jobs) == [("running", "user")]
