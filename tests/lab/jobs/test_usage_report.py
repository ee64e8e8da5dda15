"""A person's usage: the quota now, and the totals of the last 30 days."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from pytest_django import DjangoAssertNumQueries, Settings

from portal.lab.jobs.domain.usage_history import Sums, read_usage
from portal.lab.jobs.domain.usage_report import ModelUsage, report_usage
from portal.lab.jobs.enums import Origin
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import GenerationJobFactory
from tests.factories.keys import ApiKeyFactory
from tests.factories.usage import CallFactory, ReservationFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def user(settings: Settings) -> User:
    settings.DAILY_TOKEN_QUOTA = 1000
    settings.API_JOBS_PER_USER = 8
    return UserFactory.create()


def test_an_unused_quota_has_nothing_to_come_back(user: User) -> None:
    report = report_usage(user, at=NOW)

    assert (report.quota, report.used, report.left) == (1000, 0, 1000)
    assert (report.first_back_at, report.resets_at, report.models) == (None, None, ())


def test_used_and_set_aside_tokens_count_until_a_day_has_passed(user: User) -> None:
    settled = {"used_tokens": 40, "settled_at": NOW}
    ReservationFactory.create(user=user, made_at=NOW - 25 * HOUR, **settled)
    ReservationFactory.create(user=user, made_at=NOW - 23 * HOUR, **settled)
    ReservationFactory.create(user=user, made_at=NOW - HOUR, reserved_tokens=100)
    ReservationFactory.create(made_at=NOW - HOUR)

    report = report_usage(user, at=NOW)

    assert (report.used, report.left) == (140, 860)
    assert (report.first_back_at, report.resets_at) == (NOW + HOUR, NOW + 23 * HOUR)


def test_more_than_the_quota_leaves_nothing(user: User) -> None:
    ReservationFactory.create(user=user, made_at=NOW - HOUR, reserved_tokens=1500)

    report = report_usage(user, at=NOW)

    assert (report.used, report.left) == (1500, 0)


def test_runs_under_way_are_those_of_the_api(user: User) -> None:
    model = HostedModelFactory.create(slug="opt-125m", name="OPT-125M")
    make = {"user": user, "model": model}
    GenerationJobFactory.create(**make, created_at=NOW - 2 * DAY, origin=Origin.API, running=True)
    GenerationJobFactory.create(**make, created_at=NOW - HOUR, origin=Origin.API)
    GenerationJobFactory.create(**make, created_at=NOW - HOUR)
    GenerationJobFactory.create(**make, created_at=NOW - HOUR, succeeded=True)
    GenerationJobFactory.create(**make, created_at=NOW - 2 * DAY, succeeded=True)
    GenerationJobFactory.create(model=model, created_at=NOW - HOUR, origin=Origin.API)

    report = report_usage(user, at=NOW)

    assert (report.parallel_jobs, report.under_way) == (8, 2)
    assert report.models == (
        ModelUsage(
            model="opt-125m",
            name="OPT-125M",
            runs=4,
            under_way=3,
            prompt_tokens=6,
            completion_tokens=2,
        ),
    )


def test_every_day_is_told_also_where_nothing_ran(user: User) -> None:
    for moment in (NOW, NOW - 3 * DAY, NOW - 3 * DAY, NOW - 30 * DAY):
        GenerationJobFactory.create(user=user, created_at=moment, succeeded=True)

    history = read_usage(user, at=NOW)

    assert (len(history.days), history.days[0].day) == (30, date(2026, 10, 25))
    assert {row.day: row.sums for row in history.days if row.sums.runs} == {
        date(2026, 11, 20): Sums(2, 6, 4),
        date(2026, 11, 23): Sums(1, 3, 2),
    }
    assert history.most_runs_a_day == 2


def test_doors_are_told_apart_and_keys_of_one_name_too(user: User) -> None:
    first, second = ApiKeyFactory.create_batch(2, user=user, name="Cluster")
    for key, count in ((first, 2), (second, 1)):
        call = CallFactory.create(user=user, key=key)
        for index in range(count):
            GenerationJobFactory.create(
                user=user, call=call, call_index=index, origin=Origin.API, created_at=NOW,
                succeeded=True,
            )  # fmt: skip
    GenerationJobFactory.create(user=user, created_at=NOW)

    history = read_usage(user, at=NOW)

    assert [(row.name, row.door, row.shown, row.sums) for row in history.doors] == [
        ("Cluster", "API", f"gh_{first.lookup}…", Sums(2, 6, 4)),
        ("Cluster", "API", f"gh_{second.lookup}…", Sums(1, 3, 2)),
        ("Playground", "Playground", "", Sums(1, 0, 0)),
    ]


def test_models_come_by_their_tokens(user: User) -> None:
    small, large = HostedModelFactory.create(name="Small"), HostedModelFactory.create(name="Large")
    GenerationJobFactory.create(user=user, model=small, created_at=NOW, succeeded=True)
    GenerationJobFactory.create(
        user=user, model=large, created_at=NOW, succeeded=True, completion_tokens=50
    )

    assert [row.name for row in read_usage(user, at=NOW).models] == ["Large", "Small"]


@pytest.mark.parametrize("count", [1, 3])
def test_the_cost_does_not_grow_with_the_runs(
    user: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(count):
        GenerationJobFactory.create(user=user, created_at=NOW, call=CallFactory.create(user=user))

    with django_assert_num_queries(7):
        report_usage(user, at=NOW)
        read_usage(user, at=NOW)
