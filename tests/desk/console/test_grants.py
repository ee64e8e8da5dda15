from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory

pytestmark = pytest.mark.django_db
GRANTS = "/console/grants/"


def listed(response: Any) -> list[tuple[Grant, list[str]]]:
    return [(grant, [verb for _, verb in commands]) for grant, commands in response.context["rows"]]


def said(response: Any) -> list[str]:
    return [str(message) for message in get_messages(response.wsgi_request)]


def test_each_grant_offers_what_its_state_allows(console: Client, reviewer: User) -> None:
    now = timezone.now()
    begun = [now - timedelta(days=days) for days in range(1, 6)]
    expected = [
        (GrantFactory.create(starts_at=begun[0]), ["Suspend", "Revoke"]),
        (GrantFactory.create(starts_at=begun[1], state=GrantState.SUSPENDED), ["Resume", "Revoke"]),
        (GrantFactory.create(starts_at=begun[2], state=GrantState.REVOKED), []),
        (GrantFactory.create(starts_at=begun[3], ends_at=now - timedelta(seconds=1)), ["Revoke"]),
        (GrantFactory.create(starts_at=begun[4], user=reviewer), []),
    ]
    assert listed(console.get(GRANTS)) == expected


def test_the_list_is_narrowed(console: Client) -> None:
    wanted = GrantFactory.create(user__name="Ada Lovelace", state=GrantState.SUSPENDED)
    GrantFactory.create()
    queries = ("?q=lovelace", "?state=suspended", f"?model={wanted.model.slug}")
    found = [[grant for grant, _ in listed(console.get(GRANTS + query))] for query in queries]
    assert found == [[wanted]] * 3


@pytest.mark.parametrize(
    ("before", "command", "after"),
    [
        (GrantState.ACTIVE, "suspend", GrantState.SUSPENDED),
        (GrantState.SUSPENDED, "resume", GrantState.ACTIVE),
        (GrantState.ACTIVE, "revoke", GrantState.REVOKED),
    ],
)
def test_a_command_asks_for_its_reason_and_says_what_holds_now(
    console: Client, before: GrantState, command: str, after: GrantState
) -> None:
    grant = GrantFactory.create(state=before)
    url = f"{GRANTS}{grant.pk}/{command}/"
    assert console.get(url).context["is_open"] is True
    silent = console.post(url, {"reason": " "})
    assert (silent.status_code, set(silent.context["form"].errors)) == (422, {"reason"})
    spoken = console.post(url, {"reason": "Because."})
    assert spoken["Location"] == f"{GRANTS}?q={grant.application.case_number}"
    assert said(spoken) == [
        f"Access to {grant.model.name} for {grant.user.name} is now {after.label.lower()}."
    ]
    grant.refresh_from_db()
    assert grant.state == after


def test_what_is_over_cannot_be_changed(console: Client) -> None:
    grant = GrantFactory.create(state=GrantState.REVOKED)
    url = f"{GRANTS}{grant.pk}/resume/"
    assert console.get(url).context["is_open"] is False
    assert said(console.post(url, {"reason": "Because."})) == [
        "Nothing was changed. This grant is now “revoked”."
    ]


def test_ones_own_grant_is_not_ones_to_change(console: Client, reviewer: User) -> None:
    grant = GrantFactory.create(user=reviewer)
    response = console.post(f"{GRANTS}{grant.pk}/revoke/", {"reason": "Because."})
    assert response.status_code == 422
    grant.refresh_from_db()
    assert grant.state == GrantState.ACTIVE


def test_unknown_commands_and_grants_are_not_there(console: Client) -> None:
    grant = GrantFactory.create()
    urls = (f"{GRANTS}{grant.pk}/supersede/", f"{GRANTS}0/revoke/")
    assert [console.get(url).status_code for url in urls] == [404, 404]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_database_no_more_for_more_rows(
    console: Client, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    GrantFactory.create_batch(rows)
    with django_assert_num_queries(13):
        console.get(GRANTS)
