"""Where a session is used from, recorded without writing a row at every request."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from allauth.usersessions.models import UserSession
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories.accounts import UserFactory
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db
QUERIES_OF_A_SESSION = 2


@pytest.fixture
def browser(valkey: redis.Redis) -> Client:
    client = Client(headers={"User-Agent": "Firefox"})
    client.force_login(UserFactory.create())
    return client


def seen() -> dict[str, Any]:
    row: dict[str, Any] = UserSession.objects.values("user_agent", "last_seen_at").get()
    return row


def test_a_session_that_was_just_seen_is_not_written_again(
    browser: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    browser.get("/models/")
    first = seen()
    with django_assert_num_queries(QUERIES_OF_A_SESSION + 1):
        browser.get("/no-such-page/")

    assert seen() == first


def test_another_browser_with_the_same_session_is_noticed_at_once(browser: Client) -> None:
    browser.get("/models/")
    browser.get("/models/", headers={"User-Agent": "Chromium"})

    assert seen()["user_agent"] == "Chromium"


def test_after_the_minute_it_is_seen_again(browser: Client, valkey: redis.Redis) -> None:
    browser.get("/models/")
    first = seen()
    valkey.flushall()
    browser.get("/models/")

    assert seen()["last_seen_at"] > first["last_seen_at"]


def test_without_a_broker_every_request_is_recorded(browser: Client) -> None:
    browser.get("/models/")
    first = seen()
    running_valkey().kill()
    try:
        assert browser.get("/models/").status_code == 200
    finally:
        running_valkey().start()

    assert seen()["last_seen_at"] > first["last_seen_at"]
