"""The operators' pages of endpoints."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries, Settings

from portal.gate.webhooks.domain.endpoints import register_endpoint
from portal.gate.webhooks.domain.fan_out import fan_out_due
from portal.gate.webhooks.domain.signing import derive_secret
from portal.gate.webhooks.enums import EventType
from portal.gate.webhooks.models import Delivery, Endpoint, Event
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
PAGE = "/console/webhooks/"
TYPED = {"name": "University", "url": "https://127.0.0.1/hooks", "events": ["grant.made"]}


@pytest.fixture(autouse=True)
def _own_machine(settings: Settings) -> None:
    settings.WEBHOOK_NETWORKS = (ip_network("127.0.0.0/8"),)


@pytest.fixture
def operator(db: None) -> User:
    return UserFactory.create(is_staff=True)


@pytest.fixture
def desk(client: Client, operator: User) -> Client:
    client.force_login(operator)
    return client


@pytest.fixture
def endpoint(operator: User) -> Endpoint:
    events = [EventType.GRANT_MADE]
    return register_endpoint(
        by=operator, name="A", url="https://127.0.0.1/", events=events
    ).endpoint


def happen(count: int) -> None:
    now = timezone.now()
    for n in range(count):
        Event.objects.create(type=EventType.GRANT_MADE, data={"n": n}, created_at=now, due_at=now)
    fan_out_due(at=now)


@pytest.mark.parametrize("role", ["is_reviewer", "is_auditor", None])
def test_only_operators_enter(client: Client, endpoint: Endpoint, role: str | None) -> None:
    client.force_login(UserFactory.create(**{role: True} if role else {}))
    answers = [client.get(PAGE), client.get(f"{PAGE}{endpoint.pk}/"), client.post(PAGE, TYPED)]
    assert [answer.status_code for answer in answers] == [403, 403, 403]


def test_the_secret_is_shown_once(desk: Client) -> None:
    page = desk.post(PAGE, TYPED)
    endpoint = Endpoint.objects.get()
    secret = derive_secret(endpoint.secret_seed)
    later = [desk.get(PAGE), desk.get(f"{PAGE}{endpoint.pk}/")]
    assert page.status_code == 201
    assert [secret in answer.content.decode() for answer in (page, *later)] == [True, False, False]


@pytest.mark.parametrize(
    ("typed", "field"),
    [
        ({"url": "https://10.0.0.1/"}, "url"),
        ({"events": []}, "events"),
        ({"domain": "no domain"}, "domain"),
        ({"name": ""}, "name"),
    ],
)
def test_what_is_wrong_is_said_at_its_field(
    desk: Client, typed: dict[str, Any], field: str
) -> None:
    page = desk.post(PAGE, {**TYPED, **typed})
    assert (page.status_code, list(page.context["form"].errors)) == (422, [field])


def test_commands_change_the_endpoint(desk: Client, endpoint: Endpoint) -> None:
    def give(command: str) -> int:
        return desk.post(f"{PAGE}{endpoint.pk}/{command}/").status_code

    assert [give(each) for each in ("ping", "disable", "ping", "enable", "nonsense")] == [
        302, 302, 302, 302, 404,
    ]  # fmt: skip
    assert Event.objects.filter(type="ping").count() == 1
    assert give("rotate") == 201


def test_a_delivery_is_sent_again(desk: Client, endpoint: Endpoint) -> None:
    happen(1)
    first = Delivery.objects.get()
    desk.post(f"{PAGE}deliveries/{first.pk}/repeat/")
    rows = Delivery.objects.order_by("sequence").values_list("event", "is_repeat")
    assert list(rows) == [(first.event_id, False), (first.event_id, True)]


@pytest.mark.parametrize("rows", [1, 3])
def test_the_pages_ask_the_database_no_more_for_more_rows(
    desk: Client, endpoint: Endpoint, rows: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    happen(rows)
    desk.get(PAGE)
    with django_assert_num_queries(4):
        desk.get(PAGE)
    with django_assert_num_queries(6):
        desk.get(f"{PAGE}{endpoint.pk}/")
