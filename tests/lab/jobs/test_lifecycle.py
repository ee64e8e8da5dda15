"""Every transition of a job, and that it ends once."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import redis
import time_machine
from django.db import connection
from pytest_django import Settings

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    ControlMessage,
    Done,
    Failed,
    FailureCode,
    FinishReason,
    TerminalEvent,
    Usage,
    cancel_key,
    end_key,
    recorded_key,
)
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.access.signals import access_ended
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.events import read_stream
from portal.lab.jobs.domain.lifecycle import (
    fail_job,
    rebuild_end,
    record_outcome,
    record_started,
    requeue_job,
)
from portal.lab.jobs.domain.retention import erase_old_prompts
from portal.lab.jobs.domain.stopping import erase_job, request_cancel
from portal.lab.jobs.enums import FINAL_STATES, JobState
from portal.lab.jobs.models import Call, GenerationJob
from portal.lab.quota.models import Reservation
from portal.platform.audit.models import AuditEvent
from tests.factories.accounts import UserFactory
from tests.factories.jobs import FakeWorker, GenerationJobFactory, make_researcher
from tests.factories.usage import reserve_tokens
from tests.lab.jobs.conftest import listen, message_ids

pytestmark = pytest.mark.django_db(transaction=True)
ENDED = ("succeeded", "failed", "cancelled")
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def test_a_started_job_runs_until_its_run_deadline(valkey: redis.Redis, settings: Settings) -> None:
    with time_machine.travel(NOW, tick=False):
        job = GenerationJobFactory.create()

        assert record_started([FakeWorker(valkey, job.pk).started_message()]) == {job.pk}

    job.refresh_from_db()
    assert (job.state, job.worker, job.prompt_tokens) == (JobState.RUNNING, "worker-1", 3)
    assert job.started_at == NOW
    assert job.deadline_at == NOW + timedelta(seconds=settings.RUN_DEADLINE_SECONDS)


def test_a_start_of_an_earlier_attempt_is_ignored(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(attempt=2)

    assert record_started([FakeWorker(valkey, job.pk, attempt=1).started_message()]) == set()

    job.refresh_from_db()
    assert job.state == JobState.QUEUED


@pytest.mark.parametrize("trait", ENDED)
def test_a_start_of_an_ended_job_fences_the_worker(valkey: redis.Redis, trait: str) -> None:
    job = GenerationJobFactory.create(**{trait: True})

    assert record_started([FakeWorker(valkey, job.pk).started_message()]) == set()

    assert read_stream(job.pk).end == rebuild_end(job)
    assert valkey.get(end_key(job.pk)) == "portal"
    assert valkey.exists(recorded_key(job.pk)) == 1


@pytest.mark.parametrize(
    ("end", "state", "fields"),
    [
        (None, JobState.SUCCEEDED, {"finish_reason": "stop"}),
        (
            Cancelled(reason=CancelReason.USER, freed_ms=31),
            JobState.CANCELLED,
            {"cancel_reason": "user", "freed_ms": 31},
        ),
        (
            Failed(code=FailureCode.ENGINE_ERROR, detail="EngineDeadError"),
            JobState.FAILED,
            {"failure_code": "engine_error", "failure_detail": "EngineDeadError"},
        ),
    ],
)
@pytest.mark.parametrize("trait", ["queued", "running"])
def test_an_outcome_finishes_the_job(
    valkey: redis.Redis,
    trait: str,
    end: TerminalEvent | None,
    state: JobState,
    fields: dict[str, Any],
) -> None:
    job = GenerationJobFactory.create(running=trait == "running")
    reserve_tokens(job.user, model=job.model, job=job.pk, tokens=500)
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" and", " then")

    assert record_outcome(worker.outcome(end)) is True

    job.refresh_from_db()
    assert {name: getattr(job, name) for name in fields} == fields
    assert (job.state, job.text, job.token_ids) == (state, " and then", [100, 101])
    assert (job.prompt_tokens, job.completion_tokens, job.first_token_ms) == (3, 2, 120)
    assert Reservation.objects.get().used_tokens == 5
    assert valkey.exists(recorded_key(job.pk)) == 1
    assert AuditEvent.objects.get().data["state"] == state


@pytest.mark.parametrize("trait", ENDED)
def test_a_second_outcome_changes_nothing_but_is_acknowledged(
    valkey: redis.Redis, trait: str
) -> None:
    job = GenerationJobFactory.create(**{trait: True})
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" something", " else", " entirely")

    assert record_outcome(worker.outcome()) is False

    before = job.state
    job.refresh_from_db()
    assert (job.state, job.text) == (before, " and on")
    assert valkey.exists(recorded_key(job.pk)) == 1


def test_nul_in_a_completion_does_not_lose_the_outcome(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.stream("a\0b")

    assert record_outcome(worker.outcome()) is True

    job.refresh_from_db()
    assert job.text == "a\N{REPLACEMENT CHARACTER}b"


def test_cancelling_a_queued_job_ends_it_at_once(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create()

    state = request_cancel(job, reason=CancelReason.USER, actor=job.user)

    job.refresh_from_db()
    assert (state, job.state, job.cancel_reason) == (JobState.CANCELLED, "cancelled", "user")
    assert read_stream(job.pk).end == Cancelled(reason=CancelReason.USER)
    assert valkey.exists(recorded_key(job.pk)) == 1


def test_cancelling_a_running_job_asks_its_worker(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)
    listener = listen(valkey, job.deployment)

    state = request_cancel(job, reason=CancelReason.USER, actor=job.user)

    job.refresh_from_db()
    assert (state, job.state) == (JobState.RUNNING, "running")
    assert job.cancel_requested_at is not None
    assert valkey.get(cancel_key(job.pk)) == "user"
    message = listener.get_message(timeout=5)
    assert ControlMessage.model_validate_json(message["data"]).job_id == job.pk
    listener.close()


@pytest.mark.parametrize("trait", ENDED)
def test_cancelling_an_ended_job_leaves_it_as_it_is(valkey: redis.Redis, trait: str) -> None:
    job = GenerationJobFactory.create(**{trait: True})

    state = request_cancel(job, reason=CancelReason.USER, actor=job.user)

    assert (state, AuditEvent.objects.count()) == (job.state, 0)
    assert valkey.exists(cancel_key(job.pk)) == 0


@pytest.mark.parametrize("round_", range(5))
def test_cancel_and_outcome_at_once_give_exactly_one_end(valkey: redis.Redis, round_: int) -> None:
    job = GenerationJobFactory.create()
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" done")
    barrier = threading.Barrier(2)

    def run(act: Callable[[], object]) -> None:
        barrier.wait()
        try:
            act()
        finally:
            connection.close()

    threads = [
        threading.Thread(target=run, args=[act])
        for act in (
            lambda: request_cancel(job, reason=CancelReason.USER, actor=None),
            lambda: record_outcome(worker.outcome()),
        )
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    ends = AuditEvent.objects.filter(tag="jobs.job.finished")
    job.refresh_from_db()
    assert [event.data["state"] for event in ends] == [job.state]
    assert job.text == (" done" if job.state == JobState.SUCCEEDED else "")


def test_requeueing_sends_the_next_attempt(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)

    assert requeue_job(job) is True

    row = GenerationJob.objects.get()
    assert (row.state, row.attempt, row.worker) == (JobState.QUEUED, 2, "")
    assert message_ids(valkey) == [f"{job.pk}:2"]


def test_requeueing_what_changed_meanwhile_does_nothing(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)
    record_outcome(FakeWorker(valkey, job.pk).outcome())

    assert requeue_job(job) is False

    assert message_ids(valkey) == []


def test_failing_keeps_what_was_produced(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)

    assert fail_job(job, code=FailureCode.WORKER_LOST, made=Completion(" half", [1])) is True

    job.refresh_from_db()
    assert (job.state, job.failure_code, job.text) == ("failed", "worker_lost", " half")
    assert (job.prompt_tokens, job.completion_tokens) == (3, 1)


@pytest.mark.parametrize("trait", ENDED)
def test_the_end_is_rebuilt_from_the_row(valkey: redis.Redis, trait: str) -> None:
    job = GenerationJobFactory.create(**{trait: True})

    expected = {
        "succeeded": Done(
            finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=3, completion_tokens=2)
        ),
        "failed": Failed(code=FailureCode.ENGINE_ERROR),
        "cancelled": Cancelled(reason=CancelReason.USER, freed_ms=40),
    }
    assert rebuild_end(job) == expected[trait]


def test_deleting_an_ended_run_erases_it_everywhere_and_keeps_counts(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(succeeded=True)
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" secret")

    assert erase_job(job, actor=job.user) is True

    job.refresh_from_db()
    assert (job.prompt, job.text, job.token_ids) == ("", "", [])
    assert (job.state, job.prompt_tokens, job.completion_tokens) == ("succeeded", 3, 2)
    assert read_stream(job.pk).text == ""
    assert AuditEvent.objects.get().tag == "jobs.job.erased"


def test_deleting_a_running_run_stops_it_and_nothing_comes_back(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" secret")

    erase_job(job, actor=job.user)
    record_outcome(worker.outcome(worker.end(Cancelled(reason=CancelReason.DELETED))))

    job.refresh_from_db()
    assert (job.state, job.prompt, job.text, job.token_ids) == ("cancelled", "", "", [])
    assert (job.cancel_reason, job.completion_tokens) == ("deleted", 1)
    assert read_stream(job.pk).text == ""


def test_deleting_a_queued_run_ends_it(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create()

    erase_job(job, actor=job.user)

    job.refresh_from_db()
    assert (job.state, job.cancel_reason, job.prompt) == ("cancelled", "deleted", "")


def test_old_prompts_are_erased_and_younger_ones_are_not(
    valkey: redis.Redis, settings: Settings
) -> None:
    settings.PROMPT_RETENTION_DAYS = 30
    with time_machine.travel(NOW - timedelta(days=31), tick=False):
        old = GenerationJobFactory.create(succeeded=True)
    with time_machine.travel(NOW - timedelta(days=29), tick=False):
        young = GenerationJobFactory.create(succeeded=True)

    with time_machine.travel(NOW, tick=False):
        assert erase_old_prompts() == 1
        assert erase_old_prompts() == 0

    old.refresh_from_db()
    young.refresh_from_db()
    assert (old.prompt, young.prompt) == ("", "Once upon a time")


def test_with_a_prompt_go_the_texts_of_its_request(valkey: redis.Redis, settings: Settings) -> None:
    settings.PROMPT_RETENTION_DAYS = 30
    with time_machine.travel(NOW - timedelta(days=31), tick=False):
        user = UserFactory.create()
        call = Call.objects.create(
            user=user, endpoint="/v1/completions", fingerprint="f" * 64, idempotency_key="My key",
            request={"stop": ["My name"], "n": 1}, created_at=NOW - timedelta(days=31),
        )  # fmt: skip
        params = {"max_tokens": 4, "stop": ["My name"]}
        jobs = [GenerationJobFactory.create(user=user, call=call, succeeded=True, params=params)]
        jobs.append(GenerationJobFactory.create(user=user, succeeded=True, params=params))

    with time_machine.travel(NOW, tick=False):
        assert [erase_old_prompts(limit=1) for _ in range(3)] == [1, 1, 0]

    call.refresh_from_db()
    assert (call.request, call.idempotency_key) == ({}, "")
    kept = GenerationJob.objects.values_list("params", flat=True)
    assert list(kept) == [{"max_tokens": 4}] * 2


def test_revoking_a_grant_stops_the_jobs_that_lived_on_it(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    queued = GenerationJobFactory.create(user=user, model=model)
    running = GenerationJobFactory.create(user=user, model=model, running=True)
    of_another = GenerationJobFactory.create(model=model)
    grant = Grant.objects.get(user=user)
    Grant.objects.filter(pk=grant.pk).update(state=GrantState.REVOKED)

    access_ended.send_robust(sender=Grant, user_id=user.pk, model_id=model.pk, grant_id=grant.pk)

    for job in (queued, running, of_another):
        job.refresh_from_db()
    assert (queued.state, queued.cancel_reason) == ("cancelled", "access_ended")
    assert valkey.get(cancel_key(running.pk)) == "access_ended"
    assert (of_another.state, valkey.exists(cancel_key(of_another.pk))) == ("queued", 0)


def test_losing_one_of_two_rights_stops_nothing(valkey: redis.Redis) -> None:
    user, model = make_researcher()
    job = GenerationJobFactory.create(user=user, model=model, running=True)

    access_ended.send_robust(sender=Grant, user_id=user.pk, model_id=model.pk, grant_id=0)

    assert valkey.exists(cancel_key(job.pk)) == 0


def test_every_state_that_the_table_ends_in_is_final(valkey: redis.Redis) -> None:
    assert sorted(FINAL_STATES) == sorted(ENDED)
