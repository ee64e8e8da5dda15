"""Which runs go to the workers and which are held back, with a real database and broker."""

from __future__ import annotations

import threading

import pytest
import redis
from django.db import connections, transaction
from django.utils import timezone

from inference_workers.contract import GenerationRequest, SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.reaper import reap_jobs
from portal.lab.jobs.domain.scheduling import send_waiting
from portal.lab.jobs.domain.submission import submit_job
from portal.lab.jobs.enums import JobClass, JobState, Origin
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import FakeWorker, GenerationJobFactory, beat, make_researcher
from tests.lab.jobs.conftest import message_ids, messages, wait_until_blocked

pytestmark = pytest.mark.django_db(transaction=True)
SLOTS = 6
"""Four that the worker runs, and two on the way."""


@pytest.fixture
def model(valkey: redis.Redis) -> HostedModel:
    beat(valkey, max_num_seqs=4)
    return make_researcher()[1]


def submit(model: HostedModel, *, origin: Origin = Origin.PLAYGROUND) -> GenerationJob:
    user, _ = make_researcher(model)
    sampling = SamplingParams(max_tokens=16)
    return submit_job(user, model=model, prompt="Once", sampling=sampling, origin=origin)


def sent(job: GenerationJob) -> bool:
    job.refresh_from_db()
    return job.sent_at is not None


def test_no_more_is_sent_than_the_workers_can_take(valkey: redis.Redis, model: HostedModel) -> None:
    jobs = [submit(model) for _ in range(SLOTS + 2)]

    assert [sent(job) for job in jobs] == [True] * SLOTS + [False] * 2
    assert message_ids(valkey) == [f"{job.pk}:1" for job in jobs[:SLOTS]]


def test_an_end_lets_the_next_one_go(valkey: redis.Redis, model: HostedModel) -> None:
    jobs = [submit(model) for _ in range(SLOTS + 1)]
    worker = FakeWorker(valkey, jobs[0].pk)
    worker.start()
    record_outcome(worker.outcome(worker.end()))

    assert sent(jobs[-1])
    assert message_ids(valkey)[-1] == f"{jobs[-1].pk}:1"


def test_an_api_run_leaves_room_for_a_person(model: HostedModel) -> None:
    programs = [submit(model, origin=Origin.API) for _ in range(SLOTS)]
    person = submit(model)

    assert [sent(job) for job in programs] == [True] * 5 + [False]
    assert sent(person)


def test_the_class_goes_with_the_message(valkey: redis.Redis, model: HostedModel) -> None:
    submit(model)
    submit(model, origin=Origin.API)

    requests = [GenerationRequest.model_validate(message) for message in messages(valkey)]
    assert [request.priority for request in requests] == [0, 10]


def test_what_is_held_back_is_not_missing_and_goes_when_there_is_room(
    valkey: redis.Redis, model: HostedModel
) -> None:
    running = GenerationJobFactory.create_batch(SLOTS, model=model, running=True)
    held_back = GenerationJobFactory.create(model=model, held_back=True)
    for job in running:
        FakeWorker(valkey, job.pk).lease()
    reap_jobs()
    assert (sent(held_back), held_back.missing_since) == (False, None)

    GenerationJob.objects.filter(pk=running[0].pk).update(
        state=JobState.SUCCEEDED, finished_at=timezone.now()
    )
    reap_jobs()

    assert sent(held_back)
    assert message_ids(valkey) == [f"{held_back.pk}:1"]


def test_batch_runs_are_held_back_at_half(valkey: redis.Redis, model: HostedModel) -> None:
    jobs = GenerationJobFactory.create_batch(
        SLOTS, model=model, held_back=True, job_class=JobClass.BATCH
    )

    assert send_waiting(model.deployment) == SLOTS // 2
    assert [sent(job) for job in jobs] == [True] * 3 + [False] * 3


def test_two_processes_send_every_run_once(valkey: redis.Redis, model: HostedModel) -> None:
    jobs = GenerationJobFactory.create_batch(4, model=model, held_back=True)
    barrier = threading.Barrier(2)
    counts: list[int] = []

    def send() -> None:
        barrier.wait(10)
        counts.append(send_waiting(model.deployment))
        connections.close_all()

    threads = [threading.Thread(target=send) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sum(counts) == 4
    assert sorted(message_ids(valkey)) == sorted(f"{job.pk}:1" for job in jobs)


def test_what_is_stopped_meanwhile_is_not_sent(valkey: redis.Redis, model: HostedModel) -> None:
    stopped, other = GenerationJobFactory.create_batch(2, model=model, held_back=True)
    counts: list[int] = []

    def send() -> None:
        counts.append(send_waiting(model.deployment))
        connections.close_all()

    sending = threading.Thread(target=send)
    with transaction.atomic():
        GenerationJob.objects.filter(pk=stopped.pk).update(
            state=JobState.CANCELLED, cancel_reason="user", finished_at=timezone.now()
        )
        sending.start()
        wait_until_blocked()
    sending.join(20)

    assert counts == [1]
    assert message_ids(valkey) == [f"{other.pk}:1"]
