"""Which waiting runs go to the workers, and what is read to choose them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
import redis
import time_machine
from django.db import connection
from pytest_django import DjangoAssertNumQueries, DjangoCaptureOnCommitCallbacks, Settings

from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.fairness import Running, Waiting
from portal.lab.jobs.domain.scheduling import (
    count_slots,
    read_held_back,
    read_sent,
    send_waiting,
)
from portal.lab.jobs.domain.workers import EngineStatus, Readiness
from portal.lab.jobs.enums import JobClass, JobState
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.lab.jobs.conftest import message_ids, queued_messages

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
API, BATCH = JobClass.API, JobClass.BATCH
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture(autouse=True)
def _frozen() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def model(db: None) -> HostedModel:
    return HostedModelFactory.create()


@pytest.fixture
def user(db: None) -> User:
    return UserFactory.create()


def hold_back(model: HostedModel, seconds: float = 0, **fields: object) -> GenerationJob:
    created_at = NOW - timedelta(seconds=seconds)
    return GenerationJobFactory.create(model=model, held_back=True, created_at=created_at, **fields)


def sent() -> list[UUID]:
    return list(
        GenerationJob.objects.filter(sent_at=NOW)
        .order_by("created_at")
        .values_list("pk", flat=True)
    )


@pytest.mark.parametrize(
    ("capacity", "slots"), [(0, 18), (1, 3), (4, 6), (16, 18), (23, 25), (24, 27), (256, 288)]
)
def test_an_eighth_more_is_on_the_way_and_two_at_least(capacity: int, slots: int) -> None:
    assert count_slots(EngineStatus(Readiness.READY, capacity=capacity)) == slots


def test_where_nothing_waits_nothing_is_locked_or_sent(
    model: HostedModel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    elsewhere = HostedModelFactory.create(deployment="elsewhere")
    hold_back(elsewhere)
    GenerationJobFactory.create(model=model)
    GenerationJobFactory.create(model=model, held_back=True, cancelled=True)

    with django_assert_num_queries(1):
        assert send_waiting(model.deployment) == 0


def test_what_waits_is_read_of_one_deployment_the_oldest_of_each_person_and_class(
    model: HostedModel, user: User
) -> None:
    first, second, _third = (hold_back(model, 90 - n, user=user, job_class=API) for n in range(3))
    later, earlier = (
        hold_back(model, 50, user=user, job_class=BATCH, call_index=n) for n in (1, 0)
    )
    other = hold_back(model, 1, job_class=API)
    long_ago = NOW - timedelta(seconds=99)
    GenerationJobFactory.create(model=model, user=user, job_class=API, created_at=long_ago)
    hold_back(model, 99, user=user, job_class=API, cancelled=True)
    hold_back(HostedModelFactory.create(deployment="elsewhere"), 99, user=user, job_class=API)

    def read(most: int) -> set[Waiting]:
        return set(read_held_back(model.deployment, most=most))

    heads = {
        Waiting(first.pk, user.pk, API, 90.0),
        Waiting(earlier.pk, user.pk, BATCH, 50.0),
        Waiting(other.pk, other.user_id, API, 1.0),
    }
    assert read(1) == heads
    assert read(2) == heads | {
        Waiting(second.pk, user.pk, API, 89.0),
        Waiting(later.pk, user.pk, BATCH, 50.0),
    }


def test_of_the_same_moment_the_smallest_id_is_the_first(model: HostedModel, user: User) -> None:
    ids = [hold_back(model, user=user).pk for _ in range(6)]

    assert [run.id for run in read_held_back(model.deployment, most=6)] == sorted(ids)


def test_with_the_workers_is_what_was_sent_and_has_not_ended(
    model: HostedModel, user: User
) -> None:
    GenerationJobFactory.create(model=model, user=user, job_class=API)
    GenerationJobFactory.create(model=model, user=user, job_class=BATCH, running=True)
    GenerationJobFactory.create(model=model, user=user, succeeded=True)
    hold_back(model, user=user)
    GenerationJobFactory.create(model=HostedModelFactory.create(deployment="elsewhere"))

    running = sorted(read_sent(model.deployment), key=lambda run: run.job_class)
    assert running == [Running(user.pk, API), Running(user.pk, BATCH)]


def test_the_messages_go_in_order_with_their_own_traces(
    valkey: redis.Redis,
    model: HostedModel,
    django_capture_on_commit_callbacks: DjangoCaptureOnCommitCallbacks,
) -> None:
    last, first, second = (hold_back(model, seconds) for seconds in (1, 120, 60))
    beat(valkey, max_num_seqs=1)
    GenerationJobFactory.create(model=model, running=True, sent_at=NOW - timedelta(hours=1))

    with django_capture_on_commit_callbacks(execute=True):
        assert send_waiting(model.deployment, traces={second.pk: {"traceparent": TRACE}}) == 2

    assert sent() == [first.pk, second.pk]
    assert message_ids(valkey) == [f"{first.pk}:1", f"{second.pk}:1"]
    headers = [message["headers"].get("traceparent") for message in queued_messages(valkey)]
    assert headers == [None, TRACE]
    last.refresh_from_db()
    assert (last.state, last.sent_at) == (JobState.QUEUED, None)


def test_limits_are_the_sites_or_the_grants_own_at_this_moment(
    valkey: redis.Redis, model: HostedModel, user: User, settings: Settings
) -> None:
    settings.API_JOBS_PER_USER = 2
    ended, other = (
        GrantFactory.create(model=model, parallel_jobs=1, ends_at=NOW),
        UserFactory.create(),
    )
    GrantFactory.create(user=user, model=model, parallel_jobs=1)
    people = [user, other, ended.user]
    for person in people:
        for _ in range(3):
            hold_back(model, user=person, job_class=API)

    assert send_waiting(model.deployment) == 5

    counts = [GenerationJob.objects.filter(sent_at=NOW, user=person).count() for person in people]
    assert counts == [1, 2, 2]


def test_one_process_at_a_time_chooses_for_a_deployment(
    valkey: redis.Redis, model: HostedModel
) -> None:
    hold_back(model)

    send_waiting(model.deployment)

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT classid, objid FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid()"
        )
        assert cursor.fetchall() == [(7235004, 1270132101)]
