"""The page that Prometheus reads: who has access, and that its figures are right."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
import redis
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from inference_workers.contract import EngineState
from portal.desk.observability.views import site_collector
from portal.lab.energy.models import EnergyReading
from portal.lab.jobs.domain import reaper_actions
from portal.lab.jobs.domain.reaper_actions import ReaperAction, count_action
from portal.lab.jobs.tasks import reap
from tests.desk.observability.scraping import BEARER, TOKEN, labelled, scrape
from tests.factories.jobs import GenerationJobFactory, beat
from tests.plugin import running_valkey

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]
NAME = "smollm2-135m"


@pytest.mark.parametrize(
    ("token", "header", "status"),
    [
        ("", {}, 404),
        ("", {"Authorization": "Bearer "}, 404),
        (TOKEN, {}, 404),
        (TOKEN, {"Authorization": f"Bearer {TOKEN}x"}, 404),
        (TOKEN, {"Authorization": TOKEN}, 404),
        (TOKEN, BEARER, 200),
    ],
)
def test_the_page_is_there_for_the_bearer_of_the_token(
    client: Client, settings: Settings, token: str, header: dict[str, str], status: int
) -> None:
    settings.METRICS_TOKEN = token

    assert client.get("/metrics", headers=header).status_code == status


def test_prometheus_may_come_by_the_containers_name_and_by_plain_http(
    client: Client, settings: Settings
) -> None:
    settings.METRICS_TOKEN, settings.SECURE_SSL_REDIRECT = TOKEN, True

    assert client.get("/metrics", headers={**BEARER, "Host": "web:8000"}).status_code == 200
    settings.SECURE_SSL_REDIRECT = False
    assert client.get("/", headers={"Host": "web:8000"}).status_code == 400


def test_requests_are_counted_by_route_and_never_by_address(
    client: Client, settings: Settings
) -> None:
    before = scrape(client, settings)["gatehouse_http_requests_total"]
    client.get("/playground/runs/4b3f2f8e-0000-4000-8000-000000000000/events/")
    client.get("/no-such-page/")
    client.get("/no-such-page/at-all/")
    client.generic("BREW", "/no-such-page/")

    after = scrape(client, settings)

    counts = after["gatehouse_http_requests_total"]
    new = {labels: counts[labels] - before.get(labels, 0) for labels in counts}
    assert {labels: count for labels, count in new.items() if count} == {
        labelled(route="playground:events", method="GET", status="3xx"): 1,
        labelled(route="none", method="GET", status="4xx"): 2,
        labelled(route="none", method="other", status="4xx"): 1,
        labelled(route="observability:metrics", method="GET", status="2xx"): 1,
    }
    assert after["gatehouse_http_request_seconds_count"][labelled(route="none")] >= 3


def test_queues_are_told_from_the_rows_zeros_included(client: Client, settings: Settings) -> None:
    now = timezone.now()
    job = GenerationJobFactory.create(created_at=now - timedelta(minutes=7), missing_since=now)
    GenerationJobFactory.create(model=job.model)
    GenerationJobFactory.create(model=job.model, running=True)
    GenerationJobFactory.create(model__deployment="idle", succeeded=True)

    samples = scrape(client, settings)

    assert samples["gatehouse_jobs"] == {
        labelled(deployment=NAME, state="queued"): 2,
        labelled(deployment=NAME, state="running"): 1,
        labelled(deployment="idle", state="queued"): 0,
        labelled(deployment="idle", state="running"): 0,
    }
    assert samples["gatehouse_jobs_missing"] == {
        labelled(deployment=NAME): 1,
        labelled(deployment="idle"): 0,
    }
    oldest = samples["gatehouse_oldest_wait_seconds"]
    assert oldest[labelled(deployment="idle")] == 0
    assert oldest[labelled(deployment=NAME)] == pytest.approx(420, abs=20)


@pytest.fixture
def noon(monkeypatch: pytest.MonkeyPatch) -> None:
    """Any time but midnight, so that a run that ended a moment ago ended today."""
    today = timezone.now().replace(hour=12)
    monkeypatch.setattr("portal.desk.observability.collector.timezone.now", lambda: today)


@pytest.mark.usefixtures("noon")
def test_ends_and_times_are_those_of_the_day(client: Client, settings: Settings) -> None:
    noon = timezone.now().replace(hour=12)

    def end(waited: float, ran: float, **traits: Any) -> None:
        start = noon - timedelta(seconds=ran)
        GenerationJobFactory.create(
            created_at=start - timedelta(seconds=waited),
            started_at=start,
            finished_at=noon,
            **traits,
        )

    end(0.2, 3.0, succeeded=True)
    end(0.25, 30.0, succeeded=True)
    end(400.0, 2000.0, failed=True)
    end(9.0, 4.0, succeeded=True, attempt=2)
    yesterday = noon - timedelta(days=1)
    GenerationJobFactory.create(succeeded=True, finished_at=yesterday, created_at=yesterday)
    GenerationJobFactory.create(failed=True, failure_code="expired_in_queue", started_at=None)

    samples = scrape(client, settings)

    assert samples["gatehouse_jobs_ended_total"] == {
        labelled(deployment=NAME, state="succeeded", code=""): 3,
        labelled(deployment=NAME, state="failed", code="engine_error"): 1,
        labelled(deployment=NAME, state="failed", code="expired_in_queue"): 1,
    }
    waits = samples["gatehouse_job_wait_seconds_bucket"]
    assert [waits[labelled(deployment=NAME, le=le)] for le in ("0.1", "0.25", "300.0", "+Inf")] == [
        0,
        2,
        2,
        3,
    ]
    assert samples["gatehouse_job_wait_seconds_sum"][labelled(deployment=NAME)] == pytest.approx(
        400.45
    )
    runs = samples["gatehouse_job_run_seconds_bucket"]
    assert [runs[labelled(deployment=NAME, le=le)] for le in ("2.5", "5.0", "40.0", "+Inf")] == [
        0,
        2,
        3,
        4,
    ]


def test_workers_are_counted_by_the_state_of_their_engine(
    client: Client, settings: Settings, valkey: redis.Redis
) -> None:
    GenerationJobFactory.create(model__deployment="idle")
    beat(valkey, worker="a")
    beat(valkey, worker="b")
    beat(valkey, worker="c", engine=EngineState.DOWN)

    samples = scrape(client, settings)

    assert samples["gatehouse_broker_up"] == {(): 1}
    assert samples["gatehouse_workers"] == {
        labelled(deployment=NAME, engine="starting"): 0,
        labelled(deployment=NAME, engine="ready"): 2,
        labelled(deployment=NAME, engine="down"): 1,
        labelled(deployment="idle", engine="starting"): 0,
        labelled(deployment="idle", engine="ready"): 0,
        labelled(deployment="idle", engine="down"): 0,
    }


def test_the_reapers_work_is_told(client: Client, settings: Settings) -> None:
    reap()
    count_action(ReaperAction.REQUEUED)
    count_action(ReaperAction.REQUEUED)
    count_action(ReaperAction.LOST)

    samples = scrape(client, settings)

    actions = {
        dict(labels)["action"]: count
        for labels, count in samples["gatehouse_reaper_actions_total"].items()
    }
    assert actions == dict.fromkeys(ReaperAction, 0) | {"requeued": 2, "lost": 1}
    last_run = samples["gatehouse_reaper_last_run_timestamp_seconds"][()]
    assert last_run == pytest.approx(timezone.now().timestamp(), abs=30)


def test_energy_is_told_measured_and_assumed_apart(client: Client, settings: Settings) -> None:
    settings.CARBON_INTENSITY_G_PER_KWH = 100.0
    now = timezone.now()
    for worker, source, joules in (("a", "nvml", 3.6e6), ("b", "rapl", 1.0), ("c", "assumed", 4.0)):
        EnergyReading.objects.create(
            worker=worker, deployment="d", source=source, joules=joules, first_at=now, last_at=now
        )

    samples = scrape(client, settings)

    assert samples["gatehouse_energy_joules_total"] == {
        labelled(deployment="d", source="measured"): 3_600_001.0,
        labelled(deployment="d", source="assumed"): 4.0,
    }
    assert samples["gatehouse_carbon_grams_total"] == {
        labelled(deployment="d"): pytest.approx(100.0, rel=1e-4)
    }


def test_without_a_broker_the_rows_are_told_all_the_same(
    client: Client, settings: Settings
) -> None:
    GenerationJobFactory.create()
    running_valkey().kill()

    samples = scrape(client, settings)

    running_valkey().start()
    assert samples["gatehouse_broker_up"] == {(): 0}
    assert samples["gatehouse_jobs"][labelled(deployment=NAME, state="queued")] == 1
    assert ("gatehouse_workers" in samples, "gatehouse_reaper_actions_total" in samples) == (
        False,
        False,
    )


def test_a_count_that_the_broker_does_not_take_harms_nobody(valkey: redis.Redis) -> None:
    running_valkey().kill()

    count_action(ReaperAction.LOST)
    reaper_actions.note_round()

    running_valkey().start()


@pytest.mark.parametrize("rows", [1, 5])
def test_a_scrape_takes_five_queries_and_the_next_none(
    client: Client, settings: Settings, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    settings.METRICS_TOKEN = TOKEN
    GenerationJobFactory.create_batch(rows)
    GenerationJobFactory.create_batch(rows, failed=True)
    site_collector.forget()

    with django_assert_num_queries(5):
        client.get("/metrics", headers=BEARER)
    with django_assert_num_queries(0):
        client.get("/metrics", headers=BEARER)
