"""The daily quota: reserved, settled, and counted over a sliding day."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from portal.gate.catalog.models import HostedModel
from portal.lab.quota.domain.ledger import settle_tokens, tokens_left
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.usage import reserve_tokens

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.fixture
def user(settings: Settings) -> User:
    settings.DAILY_TOKEN_QUOTA = 1000
    return UserFactory.create()


@pytest.fixture
def model() -> HostedModel:
    return HostedModelFactory.create()


def test_what_is_reserved_is_gone_until_it_is_settled(user: User, model: HostedModel) -> None:
    job = reserve_tokens(user, model=model, tokens=600)

    assert tokens_left(user, at=timezone.now()) == 400
    settle_tokens({job: 150})

    assert tokens_left(user, at=timezone.now()) == 850


def test_settling_twice_counts_the_first(user: User, model: HostedModel) -> None:
    job = reserve_tokens(user, model=model, tokens=600)

    settle_tokens({job: 150})
    settle_tokens({job: 0})

    assert tokens_left(user, at=timezone.now()) == 850


def test_the_last_tokens_may_be_used_and_not_one_more(user: User, model: HostedModel) -> None:
    reserve_tokens(user, model=model, tokens=1000)

    with pytest.raises(DomainError) as refusal:
        reserve_tokens(user, model=model, tokens=1)

    assert (refusal.value.code, refusal.value.field) == ("quota_exceeded", "max_tokens")


def test_one_person_does_not_spend_anothers(user: User, model: HostedModel) -> None:
    reserve_tokens(UserFactory.create(), model=model, tokens=1000)

    assert tokens_left(user, at=timezone.now()) == 1000


@pytest.mark.parametrize(("hours", "left"), [(23, 400), (25, 1000)])
def test_a_day_later_the_tokens_are_back(
    user: User, model: HostedModel, hours: int, left: int
) -> None:
    with time_machine.travel(NOW, tick=False):
        reserve_tokens(user, model=model, tokens=600)

    assert tokens_left(user, at=NOW + timedelta(hours=hours)) == left
