"""The people and the parts that most tests need."""

from __future__ import annotations

from collections.abc import Iterator
from copy import copy
from typing import Any

import pytest
import redis
from django.db import connection
from django.test import TransactionTestCase
from pytest_django import Settings
from pytest_django.plugin import DjangoDbBlocker
from servestatic.middleware import ServeStaticMiddleware

from portal.platform.core.redis import sync_redis
from tests.emptying import empty_database
from tests.plugin import running_valkey
from tests.template import drop_database, find_template


@pytest.fixture(scope="session")
def migrated(django_db_blocker: DjangoDbBlocker) -> str:
    """The name of a database that has all migrations."""
    with django_db_blocker.unblock():
        return find_template()


@pytest.fixture(scope="session")
def django_db_modify_db_settings(
    django_db_modify_db_settings_parallel_suffix: None, migrated: str
) -> None:
    """Copy the template, instead of applying all migrations in each process."""
    connection.settings_dict["TEST"] |= {"TEMPLATE": migrated, "MIGRATE": False}
    connection.creation._destroy_test_db = drop_database  # type: ignore[attr-defined]


@pytest.fixture(scope="session")
def django_db_setup(django_db_setup: None) -> Iterator[None]:
    """Have transactional tests delete what they committed, instead of Django's slow flush."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TransactionTestCase, "_fixture_teardown", lambda case: empty_database())
        yield


@pytest.fixture(scope="session", autouse=True)
def _list_static_files_once() -> Iterator[None]:
    """Each test's client makes the middleware again, which would look up all static files."""
    list_files = ServeStaticMiddleware.add_files_from_finders
    listed: list[tuple[Any, Any]] = []

    def share_files(middleware: ServeStaticMiddleware) -> None:
        if not listed:
            list_files(middleware)
            listed.append((middleware.files, middleware.directories))
        middleware.files, middleware.directories = (copy(found) for found in listed[0])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ServeStaticMiddleware, "add_files_from_finders", share_files)
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
