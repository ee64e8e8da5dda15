"""The page of a person's notices."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import post, withdraw
from portal.platform.notices.domain.reading import unread_notices
from portal.platform.notices.models import MailPreference, Notice
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def person(db: None) -> User:
    return UserFactory.create()


@pytest.fixture
def browser(person: User, client: Client) -> Client:
    client.force_login(person)
    return client


def tell(person: User, subject: str = "Hello", **fields: Any) -> Notice:
    return post(person, kind="test", subject=subject, body="See <this>.", **fields)


def test_a_notice_is_new_until_it_is_opened(browser: Client, person: User) -> None:
    notice = tell(person)
    assert unread_notices(person.pk, at=timezone.now()).count() == 1
    page = browser.get(f"/notices/{notice.pk}/")
    assert page.content.decode().count("See &lt;this&gt;.") == 1
    assert unread_notices(person.pk, at=timezone.now()).count() == 0


def test_other_peoples_held_and_withdrawn_notices_are_not_there(
    browser: Client, person: User
) -> None:
    later = timezone.now() + timedelta(minutes=10)
    foreign = tell(UserFactory.create())
    held = tell(person, not_before=later)
    withdrawn = tell(person, about="case:1", not_before=later)
    withdraw(about="case:1")
    codes = [browser.get(f"/notices/{row.pk}/").status_code for row in (foreign, held, withdrawn)]
    assert codes == [404, 404, 404]
    assert list(browser.get("/notices/").context["page"]) == []


def test_a_digest_is_read_here_at_once(browser: Client, person: User) -> None:
    MailPreference.objects.create(user=person, is_digest=True)
    notice = tell(person, may_wait=True)
    assert list(browser.get("/notices/").context["page"]) == [notice]


def test_a_reviewer_asks_for_one_mail_a_day(browser: Client, person: User) -> None:
    assert browser.post("/notices/", {"is_digest": "on"}).status_code == 302
    assert MailPreference.objects.get(user=person).is_digest is True
    browser.post("/notices/", {})
    assert MailPreference.objects.get(user=person).is_digest is False


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_database_the_same_for_one_and_for_three(
    browser: Client, person: User, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for _ in range(rows):
        tell(person)
    browser.get("/notices/")
    with django_assert_num_queries(6):
        browser.get("/notices/")
