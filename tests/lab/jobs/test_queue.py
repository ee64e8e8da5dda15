"""Positions, and estimates that are missing rather than false."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.utils import timezone

from inference_workers.contract import WORKERS_KEY, EngineState
from portal.lab.jobs.domain.queue import view_queue
from portal.lab.jobs.domain.workers import Readiness, engine_status, list_workers
from portal.lab.jobs.models import GenerationJob
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db


def make_queue(waiting: int, *, running: int = 0) -> list[GenerationJob]:
    """Waiting jobs in their order."""
    model, now = HostedModelFactory.create(), timezone.now()
    for number in range(running):
        begun = now - timedelta(seconds=10 * number)
        GenerationJobFactory.create(model=model, running=True, started_at=begun)
    return [
        GenerationJobFactory.create(model=model, created_at=now + timedelta(seconds=number))
        for number in range(waiting)
    ]


def make_finished(seconds: float) -> None:
    now = timezone.now()
    begun = now - timedelta(seconds=seconds)
    GenerationJobFactory.create(succeeded=True, started_at=begun, finished_at=now)


def estimates(jobs: list[GenerationJob]) -> list[tuple[int, int | None] | None]:
    view = view_queue("smollm2-135m")
    places = [view.place(job.pk) for job in jobs]
    return [(place.position, place.estimate_seconds) if place else None for place in places]


def test_with_free_slots_jobs_start_at_once(valkey: redis.Redis) -> None:
    jobs = make_queue(2)
    beat(valkey, max_num_seqs=4)

    assert estimates(jobs) == [(1, 0), (2, 0)]


def test_with_all_slots_taken_the_wait_is_that_for_the_next_one_to_end(
    valkey: redis.Redis,
) -> None:
    jobs = make_queue(3, running=4)
    make_finished(30)
    make_finished(50)
    beat(valkey, max_num_seqs=4)

    assert estimates(jobs) == [(1, 10), (2, 20), (3, 30)]


def test_without_measurements_there_is_no_estimate(valkey: redis.Redis) -> None:
    jobs = make_queue(1, running=4)
    beat(valkey, max_num_seqs=4)

    assert estimates(jobs) == [(1, None)]


def test_runs_of_yesterday_are_not_a_measurement(valkey: redis.Redis) -> None:
    jobs = make_queue(1, running=4)
    make_finished(30)
    GenerationJob.objects.filter(state="succeeded").update(
        finished_at=timezone.now() - timedelta(days=1)
    )
    beat(valkey, max_num_seqs=4)

    assert estimates(jobs) == [(1, None)]


def test_a_starting_engine_is_waited_for(valkey: redis.Redis) -> None:
    jobs = make_queue(1)
    beat(valkey, engine=EngineState.STARTING, ready_in_seconds=40)

    assert estimates(jobs) == [(1, 40)]
    assert view_queue("smollm2-135m").engine.sentence == "The model is starting, about 40 s."


def test_without_a_worker_there_is_no_estimate(valkey: redis.Redis) -> None:
    jobs = make_queue(1)

    assert estimates(jobs) == [(1, None)]
    assert engine_status("smollm2-135m").readiness is Readiness.NO_WORKER


def test_without_a_broker_nothing_is_claimed(valkey: redis.Redis) -> None:
    jobs = make_queue(1)
    running_valkey().kill()

    assert estimates(jobs) == [(1, None)]
    assert engine_status("smollm2-135m").readiness is Readiness.UNKNOWN
    running_valkey().start()


def test_a_job_that_runs_has_no_place(valkey: redis.Redis) -> None:
    job = GenerationJobFactory.create(running=True)

    assert estimates([job]) == [None]


def test_one_ready_worker_is_enough(valkey: redis.Redis) -> None:
    beat(valkey, worker="a", engine=EngineState.STARTING, max_model_len=1024)
    beat(valkey, worker="b", max_num_seqs=8)
    beat(valkey, worker="c", deployment="another", max_num_seqs=100)

    status = engine_status("smollm2-135m")

    assert (status.readiness, status.capacity, status.max_model_len) == (Readiness.READY, 8, 1024)


def test_workers_whose_heart_stopped_are_not_listed(valkey: redis.Redis) -> None:
    beat(valkey, worker="alive")
    beat(valkey, worker="dead")
    valkey.zadd(WORKERS_KEY, {"dead": timezone.now().timestamp() - 1})
    beat(valkey, worker="expired")
    valkey.delete("worker:expired")

    assert [worker.worker for worker in list_workers()] == ["alive"]
