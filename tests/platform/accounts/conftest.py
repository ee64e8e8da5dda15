from __future__ import annotations

import pytest
import redis
from django.test import Client

from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory


@pytest.fixture(autouse=True)
def _no_rate_limit_left_over(valkey: redis.Redis) -> None:
    """Rate limits are counted in Valkey: each test starts with fresh limits."""


@pytest.fixture
def person(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client
