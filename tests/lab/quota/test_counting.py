"""What the ledger counts against which quota, from when until when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
import time_machine
from django.db import connection
from pytest_django import DjangoAssertNumQueries, Settings

from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.lab.quota.domain.ledger import (
    Quota,
    Spent,
    find_quota,
    lock_persons,
    open_ledger,
    settle_tokens,
    tokens_left,
)
from portal.lab.quota.models import Reservation
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.usage import ReservationFactory

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
HOUR, DAY = timedelta(hours=1), timedelta(hours=24)
NOTHING = Spent(0, None, None)


@pytest.fixture(autouse=True)
def _frozen(settings: Settings) -> Iterator[None]:
    settings.DAILY_TOKEN_QUOTA = 1000
    with time_machine.travel(NOW, tick=False):
        yield


@pytest.fixture
def user(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def own(user: User) -> HostedModel:
    """A model for which the person has a quota of their own."""
    return GrantFactory.create(user=user, daily_tokens=50).model


@pytest.fixture
def site() -> HostedModel:
    return HostedModelFactory.create()


def spend(user: User, model: HostedModel | None, tokens: int, *, ago: timedelta) -> None:
    ReservationFactory.create(user=user, model=model, reserved_tokens=tokens, made_at=NOW - ago)


def test_where_nothing_was_spent_nothing_comes_back(user: User) -> None:
    assert find_quota(user, at=NOW) == Quota(1000, NOTHING)


def test_the_oldest_comes_back_first_and_the_newest_last(user: User, site: HostedModel) -> None:
    for tokens, hours in ((100, 2), (10, 3), (1, 1)):
        spend(user, site, tokens, ago=hours * HOUR)
    spend(user, HostedModelFactory.create(), 1000, ago=2 * HOUR)

    spent = Spent(1111, NOW + 21 * HOUR, NOW + 23 * HOUR)
    quota = find_quota(user, model=site, at=NOW)
    assert (quota, quota.left) == (Quota(1000, spent), 0)
    assert quota == find_quota(user, at=NOW)


@pytest.mark.parametrize(("before", "tokens"), [(timedelta(microseconds=1), 7), (0 * HOUR, 0)])
def test_tokens_are_back_after_24_hours_to_the_instant(
    user: User, site: HostedModel, before: timedelta, tokens: int
) -> None:
    spend(user, site, 7, ago=DAY - before)

    assert find_quota(user, at=NOW).spent.tokens == tokens


def test_a_quota_of_its_own_and_the_sites_count_apart(
    user: User, own: HostedModel, site: HostedModel
) -> None:
    spend(user, own, 40, ago=HOUR)
    spend(user, site, 600, ago=2 * HOUR)
    spend(user, None, 5, ago=3 * HOUR)

    of_site = Quota(1000, Spent(605, NOW - 3 * HOUR + DAY, NOW - 2 * HOUR + DAY))
    assert find_quota(user, model=own, at=NOW) == Quota(
        50, Spent(40, NOW + 23 * HOUR, NOW + 23 * HOUR)
    )
    assert find_quota(user, model=site, at=NOW) == of_site
    assert find_quota(user, at=NOW) == of_site
    assert [tokens_left(user, model=model, at=NOW) for model in (own, site, None)] == [10, 395, 395]


def test_a_quota_of_its_own_is_whole_where_nothing_was_spent(user: User, own: HostedModel) -> None:
    assert find_quota(user, model=own, at=NOW) == Quota(50, NOTHING)


def test_less_than_was_spent_leaves_none_and_no_debt(user: User, own: HostedModel) -> None:
    spend(user, own, 60, ago=HOUR)

    assert tokens_left(user, model=own, at=NOW) == 0


def test_several_people_are_counted_in_two_queries(
    user: User, own: HostedModel, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    other, stranger = UserFactory.create_batch(2)
    for person, tokens in ((user, 20), (other, 300), (stranger, 400)):
        spend(person, own, tokens, ago=HOUR)

    with django_assert_num_queries(2):
        ledger = open_ledger([user.pk, other.pk], at=NOW)
        quotas = [ledger.quota(each.pk, model=own.pk) for each in (user, other, stranger)]

    back = NOW + 23 * HOUR
    assert quotas == [
        Quota(50, Spent(20, back, back)),
        Quota(1000, Spent(300, back, back)),
        Quota(1000, NOTHING),
    ]


def test_what_is_taken_counts_at_once_and_is_kept_by_writing(
    user: User, own: HostedModel, site: HostedModel
) -> None:
    jobs = [uuid4() for _ in range(4)]
    spend(user, site, 100, ago=HOUR)
    ledger = open_ledger([user.pk], at=NOW)

    ledger.take(user, model=site, tokens={jobs[0]: 20, jobs[1]: 3})
    ledger.take(user, model=own, tokens={jobs[2]: 50})
    ledger.take(user, model=site, tokens={jobs[3]: 877})

    assert ledger.quota(user.pk, model=site.pk) == Quota(
        1000, Spent(1000, NOW + 23 * HOUR, NOW + DAY)
    )
    assert ledger.quota(user.pk, model=own.pk) == Quota(50, Spent(50, NOW + DAY, NOW + DAY))
    assert Reservation.objects.count() == 1
    ledger.write()
    kept = Reservation.objects.filter(job__in=jobs).values_list(
        "job", "user", "model", "reserved_tokens", "used_tokens", "made_at", "settled_at"
    )
    assert set(kept) == {
        (jobs[0], user.pk, site.pk, 20, None, NOW, None),
        (jobs[1], user.pk, site.pk, 3, None, NOW, None),
        (jobs[2], user.pk, own.pk, 50, None, NOW, None),
        (jobs[3], user.pk, site.pk, 877, None, NOW, None),
    }


def test_what_is_refused_is_not_taken_in_part(user: User, own: HostedModel) -> None:
    ledger = open_ledger([user.pk], at=NOW)

    with pytest.raises(DomainError) as refusal:
        ledger.take(user, model=own, tokens={uuid4(): 50, uuid4(): 1})
    ledger.write()

    assert refusal.value.message == (
        "This may need 51 tokens; 50 of your 50 are left. Lower max tokens, or wait: the quota "
        "counts the last 24 hours."
    )
    assert (refusal.value.code, refusal.value.field) == ("quota_exceeded", "max_tokens")
    assert ledger.quota(user.pk, model=own.pk) == Quota(50, NOTHING)
    assert Reservation.objects.count() == 0


def test_each_job_is_settled_with_what_it_used_and_only_once(user: User, site: HostedModel) -> None:
    first, second, untouched = (
        ReservationFactory.create(user=user, model=site, reserved_tokens=100) for _ in range(3)
    )

    settle_tokens({first.job: 30, second.job: 0})
    with time_machine.travel(NOW + HOUR, tick=False):
        settle_tokens({first.job: 99, second.job: 99, uuid4(): 99})

    kept = Reservation.objects.order_by("pk").values_list("job", "used_tokens", "settled_at")
    assert list(kept) == [
        (first.job, 30, NOW),
        (second.job, 0, NOW),
        (untouched.job, None, None),
    ]
    assert find_quota(user, at=NOW).spent.tokens == 130


def test_what_used_nothing_delays_nothing(user: User, site: HostedModel) -> None:
    unused = ReservationFactory.create(user=user, model=site, made_at=NOW - 5 * HOUR)
    settle_tokens({unused.job: 0})
    spend(user, site, 1, ago=HOUR)

    assert find_quota(user, at=NOW).spent == Spent(1, NOW + 23 * HOUR, NOW + 23 * HOUR)


def test_the_locks_are_on_the_persons() -> None:
    lock_persons([7, 5])

    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT classid, objid FROM pg_locks"
            " WHERE locktype = 'advisory' AND pid = pg_backend_pid() ORDER BY objid"
        )
        assert cursor.fetchall() == [(7235002, 5), (7235002, 7)]


def test_a_grant_that_has_ended_leaves_its_model_to_the_sites_quota(
    user: User, own: HostedModel
) -> None:
    Grant.objects.filter(user=user).update(ends_at=NOW)
    spend(user, own, 40, ago=HOUR)

    assert [find_quota(user, model=model, at=NOW).tokens for model in (own, None)] == [1000, 1000]
    assert tokens_left(user, at=NOW) == 960
