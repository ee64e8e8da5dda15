"""The people and the parts that most tests need."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from django.db import connection
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker

from portal.platform.core.redis import sync_redis
from tests.plugin import running_valkey


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> None:
    """Let the flush of transactional tests truncate the audit log; only tests are permitted to."""
    with django_db_blocker.unblock(), connection.cursor() as cursor:
        cursor.execute("ALTER TABLE audit_auditevent DISABLE TRIGGER audit_no_truncate")


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
