from __future__ import annotations

import pytest
from django.test import Client
from pytest_django import DjangoAssertNumQueries

from tests.factories.mailbox import StoredMailFactory

pytestmark = pytest.mark.django_db


def subjects(client: Client, query: str = "") -> list[str]:
    page = client.get(f"/demo/mail/{query}")
    return [mail.subject for mail in page.context["page"]]


def test_newest_first(client: Client) -> None:
    StoredMailFactory.create(subject="first")
    StoredMailFactory.create(subject="second")

    assert subjects(client) == ["second", "first"]


def test_one_recipient(client: Client) -> None:
    StoredMailFactory.create(subject="for Ada", to="ada@example.org")
    StoredMailFactory.create(subject="for Charles", to="charles@example.org")

    assert subjects(client, "?to=Ada@example.org") == ["for Ada"]
    assert subjects(client, "?to=nobody@example.org") == []


def test_twenty_to_a_page_and_the_filter_goes_along(client: Client) -> None:
    StoredMailFactory.create_batch(21, to="ada@example.org")

    first = client.get("/demo/mail/?to=ada@example.org")
    rest = subjects(client, "?to=ada@example.org&page=2")

    assert (len(first.context["page"]), len(rest)) == (20, 1)
    assert 'href="?to=ada%40example.org&amp;page=2"' in first.content.decode()


@pytest.mark.parametrize("count", [1, 3])
def test_queries_do_not_grow(
    client: Client, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    StoredMailFactory.create_batch(count)

    with django_assert_num_queries(3):
        client.get("/demo/mail/")


def test_an_empty_box_says_what_to_do(client: Client) -> None:
    assert "No mail yet" in client.get("/demo/mail/").content.decode()


def test_a_missing_mail_is_404(client: Client) -> None:
    assert client.get("/demo/mail/999/").status_code == 404


def test_markup_in_a_mail_is_shown_not_obeyed(client: Client) -> None:
    mail = StoredMailFactory.create(subject="<b>x</b>", body="<img src=x onerror=alert(1)>")

    page = client.get(f"/demo/mail/{mail.pk}/").content.decode()

    assert "<img" not in page.split("<main")[1]
    assert "&lt;img src=x onerror=alert(1)&gt;" in page
    assert "<b>x</b>" not in page
