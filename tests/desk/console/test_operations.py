"""The operator's page: what it shows, and to whom."""

from __future__ import annotations

import json
from datetime import timedelta

import pytest
import redis
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from inference_workers.contract import EnergySource, EngineState, worker_key
from portal.lab.energy.tasks import record
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory, beat
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db
PATH = "/console/operations/"


@pytest.fixture
def operator(client: Client, valkey: redis.Redis) -> Client:
    client.force_login(UserFactory.create(is_staff=True))
    return client


def test_only_operators_may_look(client: Client, valkey: redis.Redis) -> None:
    assert client.get(PATH).status_code == 302
    for person in (UserFactory.create(), UserFactory.create(is_reviewer=True)):
        client.force_login(person)
        assert client.get(PATH).status_code == 403


def test_workers_are_shown_as_they_beat(operator: Client, valkey: redis.Redis) -> None:
    beat(valkey, worker="a", running=2, waiting=1, tokens_per_second=71.25)
    beat(
        valkey,
        worker="b",
        deployment="opt-175b",
        model="opt-175b",
        engine=EngineState.STARTING,
        ready_in_seconds=600,
        tensor_parallel_size=8,
    )

    response = operator.get(PATH)

    site, page = response.context["site"], response.content.decode()
    assert [(worker.worker, worker.tensor_parallel_size) for worker in site.workers] == [
        ("b", 8),
        ("a", 1),
    ]
    assert (site.ready, site.tokens_per_second) == (1, 71.25)
    assert "about 600 s" in page


def test_queues_show_depth_and_the_oldest_wait(operator: Client, valkey: redis.Redis) -> None:
    now = timezone.now()
    job = GenerationJobFactory.create(created_at=now - timedelta(minutes=7), missing_since=now)
    GenerationJobFactory.create(model=job.model)
    GenerationJobFactory.create(model=job.model, running=True)

    (queue,) = operator.get(PATH).context["site"].queues

    jobs = queue.jobs
    assert (queue.deployment, jobs.waiting, jobs.running, jobs.missing) == (
        "smollm2-135m",
        2,
        1,
        1,
    )
    assert jobs.oldest_at == job.created_at


def test_failures_are_shown_without_prompts(operator: Client) -> None:
    detail = "EngineDeadError"
    GenerationJobFactory.create(failed=True, prompt="a secret", failure_detail=detail, attempt=3)
    GenerationJobFactory.create(succeeded=True)

    response = operator.get(PATH)

    (failure,) = response.context["site"].failures
    page = response.content.decode()
    assert (failure.failure_code, failure.attempt) == ("engine_error", 3)
    assert "EngineDeadError" in page
    assert "a secret" not in page


def test_states_count_the_last_day(operator: Client) -> None:
    GenerationJobFactory.create(failed=True)
    GenerationJobFactory.create(failed=True, created_at=timezone.now() - timedelta(days=2))
    GenerationJobFactory.create(running=True, created_at=timezone.now() - timedelta(days=2))

    states = operator.get(PATH).context["site"].states

    assert list(states.items()) == [
        ("queued", 0),
        ("running", 1),
        ("succeeded", 0),
        ("cancelled", 0),
        ("failed", 1),
    ]


def test_speed_shows_percentiles_of_the_last_hour(operator: Client, valkey: redis.Redis) -> None:
    now = timezone.now()
    beat(valkey, worker="a", tokens_per_second=70.0)
    beat(valkey, worker="b", tokens_per_second=2.5)
    for seconds, first_token_ms in ((2, 250), (4, 750)):
        GenerationJobFactory.create(
            succeeded=True,
            created_at=now - timedelta(seconds=seconds),
            started_at=now,
            first_token_ms=first_token_ms,
        )

    response = operator.get(PATH)

    (queue,) = response.context["site"].queues
    timings = queue.timings
    assert (queue.tokens_per_second, timings.runs) == (72.5, 2)
    assert (timings.wait.median, timings.wait.p95) == (3.0, 3.9)
    assert (timings.first_token.median, timings.first_token.p95) == (0.5, 0.725)
    page = response.content.decode()
    assert [page.count(cell) for cell in (">3.00 s<", ">3.90 s<", ">0.50 s<", ">0.73 s<")] == [
        1
    ] * 4


def test_cache_and_power_are_shown_and_assumptions_named(
    operator: Client, valkey: redis.Redis
) -> None:
    beat(
        valkey,
        worker="a",
        kv_cache_usage=0.4375,
        energy_source=EnergySource.ASSUMED,
        power_watts=3200.0,
    )
    beat(valkey, worker="b", energy_source=EnergySource.NVML, power_watts=2210.4)
    beat(valkey, worker="c")

    page = operator.get(PATH).content.decode()

    assert [page.count(text) for text in ("43.8 %", "3,200 W", "2,210 W", ">assumed<")] == [1] * 4


def test_energy_and_carbon_stand_against_trainings(
    operator: Client, valkey: redis.Redis, settings: Settings
) -> None:
    settings.CARBON_INTENSITY_G_PER_KWH = 480.0
    HostedModelFactory.create(training_co2e_tonnes=75.0)
    beat(valkey, energy_source=EnergySource.ASSUMED, energy_joules=3.6e9)
    record()

    response = operator.get(PATH)

    (account,) = response.context["energy"]
    assert (account.kwh, account.carbon_kg) == (1000.0, 480.0)
    page = response.content.decode()
    cells = ("1,000.000 kWh", "480.000 kg", "0.6400 % of 75 t", ">Assumed<")
    assert [page.count(cell) for cell in cells] == [1] * 4


def test_without_any_reading_the_page_says_how_to_get_one(operator: Client) -> None:
    assert operator.get(PATH).content.decode().count("No energy data yet") == 1


def test_a_heartbeat_of_an_older_worker_is_understood(
    operator: Client, valkey: redis.Redis
) -> None:
    new = {"kv_cache_usage", "energy_source", "energy_joules", "power_watts"}
    old = beat(valkey, worker="a").model_dump(mode="json", exclude=new)
    valkey.set(worker_key("a"), json.dumps(old))

    (worker,) = operator.get(PATH).context["site"].workers

    assert (worker.kv_cache_percent, worker.power_watts, worker.energy_joules) == (None, None, 0.0)


def test_the_part_that_renews_itself_is_only_a_part(operator: Client) -> None:
    page = operator.get(PATH, {"part": "live"}).content.decode()

    assert ("<html" in page, "Latest failures" in page) == (False, True)


def test_without_a_broker_the_page_says_so(operator: Client) -> None:
    running_valkey().kill()

    page = operator.get(PATH).content.decode()

    assert "The broker does not respond" in page
    running_valkey().start()


@pytest.mark.parametrize("rows", [1, 3])
def test_the_page_takes_the_same_queries_for_any_length(
    operator: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    GenerationJobFactory.create_batch(rows, failed=True)
    GenerationJobFactory.create_batch(rows)

    # Seven of them are the page's; the others know the person and note the session.
    with django_assert_num_queries(17):
        operator.get(PATH)
