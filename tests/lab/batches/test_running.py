"""A batch from its file to its results, with the tests' worker."""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

import pytest
import redis
from django.db import connections
from django.utils import timezone
from pytest_django import Settings

from inference_workers.contract import Failed, FailureCode
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.lifecycle import revoke_key
from portal.gate.keys.models import ApiKey
from portal.lab.batches.domain.creation import cancel_batch
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.enums import JobClass, JobState
from portal.lab.jobs.models import Call, GenerationJob
from portal.platform.core.errors import DomainError
from tests.factories.batch_lines import write_request
from tests.factories.batches import (
    active_jobs,
    advance,
    answer_jobs,
    make_batch,
    read_objects,
)
from tests.factories.jobs import FakeWorker, beat, make_researcher
from tests.factories.keys import ApiKeyFactory

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def model(valkey: redis.Redis) -> HostedModel:
    beat(valkey)
    return make_researcher()[1]


@pytest.fixture
def key(model: HostedModel) -> ApiKey:
    return ApiKeyFactory.create(user=make_researcher(model)[0])


def requests(model: HostedModel, count: int) -> list[dict[str, Any]]:
    return [write_request(f"row-{number}", model=model.slug) for number in range(count)]


def states(batch: Batch) -> list[str]:
    return list(BatchRow.objects.filter(batch=batch).values_list("state", flat=True))


def test_a_batch_runs_and_its_answers_are_in_the_output_file(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    batch = advance(make_batch(key, *requests(model, 3)))
    assert (batch.status, states(batch)) == (BatchStatus.IN_PROGRESS, ["submitted"] * 3)
    assert {job.job_class for job in active_jobs()} == {JobClass.BATCH}

    answer_jobs(valkey)
    batch = advance(batch)

    assert (batch.status, batch.error_file) == (BatchStatus.COMPLETED, None)
    lines = read_objects(batch.output_file)
    assert [line["custom_id"] for line in lines] == ["row-0", "row-1", "row-2"]
    assert [line["error"] for line in lines] == [None] * 3
    body = lines[0]["response"]["body"]
    assert (lines[0]["response"]["status_code"], body["object"]) == (200, "text_completion")
    assert [choice["text"] for choice in body["choices"]] == [" well said"]
    assert body["usage"] == {"prompt_tokens": 3, "completion_tokens": 2, "total_tokens": 5}


def test_only_a_window_of_rows_is_under_way(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 2
    batch = advance(make_batch(key, *requests(model, 6)))
    assert states(batch) == ["submitted"] * 4 + ["waiting"] * 2

    answer_jobs(valkey, count=1)
    batch = advance(batch)
    assert states(batch) == ["succeeded"] + ["submitted"] * 4 + ["waiting"]


def test_the_window_counts_runs_and_not_rows(
    key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 2
    rows = [write_request(f"row-{place}", model=model.slug, n=3) for place in range(4)]
    batch = advance(make_batch(key, *rows))

    assert (states(batch).count("submitted"), len(active_jobs())) == (2, 6)


def test_two_batches_of_a_person_share_the_window(
    key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 2
    first, second = (make_batch(key, *requests(model, 6)) for _ in range(2))
    for batch in (first, second):
        Batch.objects.filter(pk=batch.pk).update(created_at=timezone.now())
    advance(first)
    advance(second)
    assert (states(first).count("submitted"), states(second).count("submitted")) == (4, 2)


def test_what_is_wrong_with_a_row_is_that_rows_error(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    good = write_request("good", model=model.slug)
    hot = write_request("hot", model=model.slug, temperature=9)
    long = write_request("long", model=model.slug, max_tokens=5000)
    batch = advance(make_batch(key, hot, good, long))
    answer_jobs(valkey)
    batch = advance(batch)

    assert batch.status == BatchStatus.COMPLETED
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["good"]
    refused = [
        (line["custom_id"], line["response"]["status_code"], line["response"]["body"]["error"])
        for line in read_objects(batch.error_file)
    ]
    assert [(name, status, error["code"]) for name, status, error in refused] == [
        ("hot", 400, "invalid_value"),
        ("long", 400, "context_length_exceeded"),
    ]
    assert refused[0][2]["param"] == "temperature"


def test_a_failed_run_is_in_the_error_file(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    batch = advance(make_batch(key, *requests(model, 1)))
    worker = FakeWorker(valkey, active_jobs()[0].pk)
    record_outcome(worker.outcome(Failed(code=FailureCode.ENGINE_ERROR)))
    batch = advance(batch)

    assert (batch.status, batch.output_file) == (BatchStatus.COMPLETED, None)
    [line] = read_objects(batch.error_file)
    assert (line["response"]["status_code"], line["response"]["body"]["error"]["code"]) == (
        500,
        "engine_error",
    )


def test_a_run_that_the_queue_let_expire_gets_another_turn(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    batch = advance(make_batch(key, *requests(model, 1)))
    [job] = active_jobs()
    worker = FakeWorker(valkey, job.pk)
    record_outcome(worker.outcome(Failed(code=FailureCode.EXPIRED_IN_QUEUE)))
    batch = advance(batch)
    assert (states(batch), [again.pk == job.pk for again in active_jobs()]) == (
        ["submitted"],
        [False],
    )


def test_a_cancelled_batch_keeps_what_is_finished(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 1
    batch = advance(make_batch(key, *requests(model, 4)))
    answer_jobs(valkey, count=1)
    batch = cancel_batch(batch, actor=key.user)
    assert batch.status == BatchStatus.CANCELLING

    batch = advance(batch)
    assert (batch.status, active_jobs()) == (BatchStatus.CANCELLED, [])
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["row-0"]
    assert [
        (line["custom_id"], line["response"], line["error"]["code"])
        for line in read_objects(batch.error_file)
    ] == [(f"row-{number}", None, "batch_cancelled") for number in (1, 2, 3)]


def test_a_running_row_is_waited_for_when_a_batch_is_cancelled(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    batch = advance(make_batch(key, *requests(model, 1)))
    GenerationJob.objects.update(state=JobState.RUNNING, started_at=timezone.now())
    batch = advance(cancel_batch(batch, actor=key.user))
    assert batch.status == BatchStatus.CANCELLING
    answer_jobs(valkey)
    batch = advance(batch)
    assert batch.status == BatchStatus.CANCELLED
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["row-0"]


def test_what_has_ended_cannot_be_cancelled(
    valkey: redis.Redis, key: ApiKey, model: HostedModel
) -> None:
    batch = advance(make_batch(key, *requests(model, 1)))
    answer_jobs(valkey)
    batch = advance(batch)
    with pytest.raises(DomainError) as refused:
        cancel_batch(batch, actor=key.user)
    assert refused.value.code == "invalid_value"


def test_an_expired_batch_keeps_what_is_finished(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 1
    batch = advance(make_batch(key, *requests(model, 3)))
    answer_jobs(valkey, count=1)
    Batch.objects.update(expires_at=timezone.now() - timedelta(seconds=1))
    batch = advance(batch)

    assert (batch.status, active_jobs()) == (BatchStatus.EXPIRED, [])
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["row-0"]
    codes = [line["error"]["code"] for line in read_objects(batch.error_file)]
    assert codes == ["batch_expired"] * 2


def test_a_batch_waits_for_quota_and_goes_on(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.DAILY_TOKEN_QUOTA = 60
    batch = advance(make_batch(key, *requests(model, 9)))
    first = states(batch).count("submitted")
    assert 0 < first < 9
    assert (batch.status, batch.paused_code) == (BatchStatus.IN_PROGRESS, "quota_exceeded")

    settings.DAILY_TOKEN_QUOTA = 10_000
    assert states(advance(batch)).count("submitted") == first
    Batch.objects.update(paused_until=timezone.now())
    batch = advance(batch)
    assert (states(batch), batch.paused_code) == (["submitted"] * 9, "")


def test_a_row_that_no_day_has_tokens_for_is_refused(
    key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.DAILY_TOKEN_QUOTA = 100
    large = write_request("large", model=model.slug, max_tokens=1000)
    batch = advance(make_batch(key, large))
    assert batch.status == BatchStatus.COMPLETED
    [line] = read_objects(batch.error_file)
    assert line["response"]["body"]["error"]["code"] == "quota_exceeded"


def test_access_that_is_revoked_ends_the_batch(
    valkey: redis.Redis, key: ApiKey, model: HostedModel, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 1
    batch = advance(make_batch(key, *requests(model, 4)))
    answer_jobs(valkey, count=1)
    Grant.objects.filter(user=key.user).update(state=GrantState.REVOKED)
    batch = advance(batch)

    assert (batch.status, batch.errors[0]["code"], active_jobs()) == ("failed", "revoked", [])
    assert [line["custom_id"] for line in read_objects(batch.output_file)] == ["row-0"]


def test_a_revoked_key_stops_its_batches(key: ApiKey, model: HostedModel) -> None:
    batch = advance(make_batch(key, *requests(model, 2)))
    revoke_key(key)
    batch = advance(batch)
    assert (batch.status, batch.errors[0]["code"], active_jobs()) == ("failed", "key_revoked", [])


def test_an_expired_key_does_not(valkey: redis.Redis, key: ApiKey, model: HostedModel) -> None:
    batch = advance(make_batch(key, *requests(model, 2)))
    ApiKey.objects.update(expires_at=timezone.now())
    answer_jobs(valkey)
    assert advance(batch).status == BatchStatus.COMPLETED


def test_two_workers_at_once_run_no_row_twice(key: ApiKey, model: HostedModel) -> None:
    batch = make_batch(key, *requests(model, 12))
    barrier = threading.Barrier(2)

    def look() -> None:
        barrier.wait()
        for _ in range(3):
            advance(Batch.objects.get(pk=batch.pk))
        connections.close_all()

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert states(batch) == [RowState.SUBMITTED] * 12
    assert (Call.objects.count(), GenerationJob.objects.count()) == (12, 12)


def test_a_crash_after_submitting_leaves_no_run_behind(
    key: ApiKey, model: HostedModel, monkeypatch: pytest.MonkeyPatch
) -> None:
    batch = make_batch(key, *requests(model, 2))

    def crash(*_: object, **__: Any) -> None:
        raise RuntimeError("power is gone")

    with monkeypatch.context() as patch:
        patch.setattr("portal.lab.batches.domain.submitting._note_submitted", crash)
        with pytest.raises(RuntimeError):
            advance(batch)
    assert (states(batch), GenerationJob.objects.count()) == (["waiting"] * 2, 0)

    advance(batch)
    assert (states(batch), GenerationJob.objects.count()) == (["submitted"] * 2, 2)
