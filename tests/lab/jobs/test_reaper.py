"""Each job ends once, whatever is lost; with a real broker and a manual clock."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
import time_machine
from django.db import connections
from time_machine import Traveller

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Done,
    FinishReason,
    Usage,
    cancel_key,
    end_key,
    queue_for,
)
from portal.lab.jobs.domain.dispatch import send_generation
from portal.lab.jobs.domain.events import read_stream
from portal.lab.jobs.domain.reaper import reap_jobs
from portal.lab.jobs.enums import JobState
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import FakeWorker, GenerationJobFactory
from tests.lab.jobs.conftest import message_ids
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db(transaction=True)
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> Iterator[Traveller]:
    with time_machine.travel(NOW, tick=False) as traveller:
        yield traveller


def state_of(job: GenerationJob) -> tuple[str, int]:
    job.refresh_from_db()
    return job.state, job.attempt


def reap_after(clock: Traveller, *seconds: float) -> None:
    """Reap, and again after each pause."""
    reap_jobs()
    for pause in seconds:
        clock.shift(pause)
        reap_jobs()


def test_a_job_whose_message_was_lost_is_sent_again(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create()

    reap_after(clock, 4, 5)

    assert state_of(job) == ("queued", 2)
    assert message_ids(valkey) == [f"{job.pk}:2"]


def test_absence_is_not_judged_too_early(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create()

    reap_after(clock, 1, 1)

    assert (state_of(job), message_ids(valkey)) == (("queued", 1), [])


def test_a_job_that_waits_in_the_queue_is_left_alone(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create()
    send_generation(job)

    reap_after(clock, 9, 9)

    assert (state_of(job), message_ids(valkey)) == (("queued", 1), [f"{job.pk}:1"])
    assert job.missing_since is None


def test_a_job_that_comes_back_is_not_missing_any_more(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    reap_jobs()
    FakeWorker(valkey, job.pk).lease()

    reap_after(clock, 2)
    valkey.flushall()
    reap_after(clock, 2)

    assert state_of(job) == ("running", 1)


def test_a_running_job_whose_lease_ran_out_is_sent_again(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.lose_lease()

    reap_after(clock, 4, 5)

    assert state_of(job) == ("queued", 2)
    assert message_ids(valkey) == [f"{job.pk}:2"]


def test_after_four_attempts_the_job_fails_and_keeps_its_text(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True, attempt=4)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" so", " far")
    worker.lose_lease()

    reap_after(clock, 4, 5)

    assert state_of(job) == ("failed", 4)
    assert (job.failure_code, job.text, job.token_ids) == ("worker_lost", " so far", [100, 101])
    assert message_ids(valkey) == []


def test_a_lost_start_is_noticed(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create()
    FakeWorker(valkey, job.pk, name="worker-9").start()

    reap_jobs()

    assert state_of(job) == ("running", 1)
    assert (job.worker, job.prompt_tokens) == ("worker-9", 3)


def test_a_job_that_waits_for_its_engine_stays_queued(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create()
    FakeWorker(valkey, job.pk).lease()

    reap_after(clock, 9, 9)

    assert state_of(job) == ("queued", 1)


def test_a_job_that_its_worker_put_back_is_queued_again_without_a_second_message(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    send_generation(job)

    reap_after(clock, 9)

    assert state_of(job) == ("queued", 1)
    assert message_ids(valkey) == [f"{job.pk}:1"]


def test_an_outcome_that_only_the_stream_knows_is_recorded(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" the", " end")
    worker.end(
        Done(finish_reason=FinishReason.LENGTH, usage=Usage(prompt_tokens=3, completion_tokens=2))
    )
    worker.lose_lease()

    reap_jobs()

    assert state_of(job) == ("succeeded", 1)
    assert (job.text, job.finish_reason, job.prompt_tokens) == (" the end", "length", 3)


def test_an_end_without_its_stream_does_not_hold_the_job_for_ever(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    valkey.set(end_key(job.pk), "worker-1")

    reap_after(clock, 4, 5)

    assert state_of(job) == ("queued", 2)
    assert valkey.exists(end_key(job.pk)) == 0


def test_a_queued_job_expires(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create()
    send_generation(job)

    reap_after(clock, 29 * 60)
    assert state_of(job) == ("queued", 1)
    reap_after(clock, 61)

    assert (state_of(job), job.failure_code) == (("failed", 1), "expired_in_queue")


def test_a_running_job_past_its_deadline_ends_with_what_it_has(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" slow")
    clock.shift(timedelta(minutes=15, seconds=1))
    worker.lease()

    reap_jobs()

    assert (state_of(job), job.failure_code) == (("failed", 1), "deadline_exceeded")
    assert job.text == " slow"
    assert valkey.get(end_key(job.pk)) == "portal"


def test_a_cancelled_job_whose_worker_is_gone_ends_cancelled(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True, cancel_requested_at=NOW, cancel_reason="user")

    reap_jobs()

    assert (state_of(job), job.cancel_reason) == (("cancelled", 1), "user")
    assert read_stream(job.pk).end == Cancelled(reason=CancelReason.USER)


def test_a_cancel_that_the_broker_forgot_is_asked_again(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create(running=True, cancel_requested_at=NOW, cancel_reason="user")
    FakeWorker(valkey, job.pk).lease()

    reap_jobs()

    assert (state_of(job), valkey.get(cancel_key(job.pk))) == (("running", 1), "user")


def test_without_a_broker_nothing_is_judged(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create(running=True, missing_since=NOW - timedelta(minutes=5))
    running_valkey().kill()
    clock.shift(timedelta(hours=1))

    reap_jobs()

    assert state_of(job) == ("running", 1)
    running_valkey().start()


def test_a_broker_that_lost_everything_costs_no_job(valkey: redis.Redis, clock: Traveller) -> None:
    queued = GenerationJobFactory.create()
    send_generation(queued)
    running = GenerationJobFactory.create(running=True)
    FakeWorker(valkey, running.pk).start()
    running_valkey().kill()
    running_valkey().start(wipe=True)

    reap_after(clock, 4, 5)

    assert (state_of(queued), state_of(running)) == (("queued", 2), ("queued", 2))
    assert sorted(message_ids(valkey)) == sorted([f"{queued.pk}:2", f"{running.pk}:2"])


def test_what_is_not_one_of_ours_in_the_queue_does_no_harm(
    valkey: redis.Redis, clock: Traveller
) -> None:
    job = GenerationJobFactory.create()
    valkey.lpush(queue_for(job.deployment), "not json", '{"headers": {}}')

    reap_after(clock, 9)

    assert state_of(job) == ("queued", 2)


def test_two_reapers_do_not_work_at_once(valkey: redis.Redis, clock: Traveller) -> None:
    job = GenerationJobFactory.create(missing_since=NOW - timedelta(minutes=1))
    other = connections.create_connection("default")
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(7235003)")
        reap_jobs()
        assert state_of(job) == ("queued", 1)
        cursor.execute("SELECT pg_advisory_unlock(7235003)")
    other.close()

    reap_jobs()

    assert state_of(job) == ("queued", 2)


def test_one_broken_stream_does_not_keep_the_others_waiting(
    valkey: redis.Redis, clock: Traveller
) -> None:
    broken = GenerationJobFactory.create(
        running=True, cancel_requested_at=NOW, cancel_reason="user"
    )
    valkey.xadd(f"job:{{{broken.pk}}}:events", {"e": "not an event"})
    job = GenerationJobFactory.create(missing_since=NOW - timedelta(minutes=1))

    reap_jobs()

    assert (state_of(broken), state_of(job)) == (("running", 1), ("queued", 2))


def test_the_queue_is_read_where_celery_puts_it(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create()

    send_generation(job)

    assert valkey.llen("gen.smollm2-135m") == 1
    assert job.state == JobState.QUEUED
