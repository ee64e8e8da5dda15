"""Energy outlives the workers that reported it, and shows what was measured."""

from __future__ import annotations

from datetime import timedelta

import pytest
import redis
from django.utils import timezone
from pytest_django import Settings

from inference_workers.contract import EnergySource
from portal.lab.energy.domain.account import account_energy
from portal.lab.energy.models import EnergyReading
from portal.lab.energy.tasks import record
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import beat
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db
MEASURED, ASSUMED = EnergySource.RAPL, EnergySource.ASSUMED
NAME = "smollm2-135m"


def test_a_workers_row_rises_with_its_heartbeats_and_never_falls(valkey: redis.Redis) -> None:
    for joules in (100.0, 250.0, 180.0):
        beat(valkey, worker="a", energy_source=MEASURED, energy_joules=joules)
        record()

    assert list(EnergyReading.objects.values_list("worker", "source", "joules")) == [
        ("a", "rapl", 250.0)
    ]


def test_the_sum_outlives_the_workers(valkey: redis.Redis, settings: Settings) -> None:
    settings.CARBON_INTENSITY_G_PER_KWH = 500.0
    HostedModelFactory.create(training_co2e_tonnes=75.0)
    beat(valkey, worker="a", energy_source=ASSUMED, energy_joules=2.7e9)
    record()
    valkey.flushall()
    beat(valkey, worker="b", energy_source=MEASURED, energy_joules=0.9e9)
    record()

    (account,) = account_energy()

    assert (account.deployment, account.kwh, account.carbon_kg) == (NAME, 1000.0, 500.0)
    assert account.percent_of_training == pytest.approx(100 * 0.5 / 75)
    assert (account.is_assumed, account.assumed_percent) == (True, 75.0)


def test_what_is_unknown_is_not_recorded(valkey: redis.Redis) -> None:
    beat(valkey, worker="a", energy_source=EnergySource.UNKNOWN)

    record()

    assert account_energy() == []


def test_a_model_without_a_figure_of_training_is_compared_with_nothing(
    valkey: redis.Redis,
) -> None:
    HostedModelFactory.create()
    since = timezone.now() - timedelta(hours=1)
    beat(valkey, energy_source=MEASURED, energy_joules=1.0, started_at=since)
    record()

    (account,) = account_energy()

    assert (account.percent_of_training, account.since) == (None, since)
    assert (account.is_assumed, account.assumed_percent) == (False, 0.0)


def test_without_a_broker_nothing_is_lost(valkey: redis.Redis) -> None:
    beat(valkey, worker="a", energy_source=MEASURED, energy_joules=5.0)
    record()
    running_valkey().kill()

    record()

    running_valkey().start()
    assert EnergyReading.objects.get().joules == 5.0
