"""The people and the parts that most tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.test import TransactionTestCase
from pytest_django import Settings

from portal.platform.core.redis import sync_redis
from tests.emptying import empty_database
from tests.plugin import running_valkey


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Have transactional tests delete what they committed, instead of Django's slow flush."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_database())
        yield


@pytest.fixture(autouse=True)
def _hash_passwords_fast(settings: Settings) -> None:
    """Real hashing takes a quarter of a second for every person."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture
def valkey() -> Iterator[redis.Redis]:
    """An empty Valkey, and the client that domain code uses."""
    if running_valkey()._process is None:
        running_valkey().start(wipe=True)
    client = sync_redis()
    client.flushall()
    yield client
    client.flushall()
