"""The pages of a person's keys."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.authentication import KeyRefused, authenticate_key
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import make_researcher
from tests.factories.keys import ApiKeyFactory

pytestmark = pytest.mark.django_db
LIST = "/account/keys/"
NEW = "/account/keys/new/"
FORM = {"name": "Laptop", "scopes": ["completions", "read"], "lifetime": "30"}


@pytest.fixture
def researcher() -> tuple[User, HostedModel]:
    return make_researcher()


@pytest.fixture
def user(researcher: tuple[User, HostedModel]) -> User:
    return researcher[0]


@pytest.fixture
def signed_in(client: Client, user: User) -> Client:
    client.force_login(user)
    return client


def shown_key(page: str) -> str:
    (text,) = re.findall(r'<code id="new-key">(gh_\w+)</code>', page)
    return str(text)


def test_a_new_key_is_shown_once_and_works(signed_in: Client, user: User) -> None:
    created = signed_in.post(NEW, FORM)

    text = shown_key(created.content.decode())
    assert created.status_code == 201
    assert set(created["Cache-Control"].split(", ")) >= {"no-store", "private"}
    key = authenticate_key(text, at=timezone.now())
    assert (key.user, key.name, key.scopes) == (user, "Laptop", ["completions", "read"])
    assert signed_in.get(LIST).content.decode().count(text) == 0
    assert signed_in.get(LIST).content.decode().count(f"gh_{key.lookup}…") == 2


def test_a_form_that_is_sent_twice_makes_one_key(signed_in: Client) -> None:
    signed_in.post(NEW, FORM)

    again = signed_in.post(NEW, FORM)

    assert (again.status_code, list(again.context["form"].errors)) == (422, ["name"])
    assert ApiKey.objects.count() == 1


def test_a_key_can_be_for_one_model_and_without_end(
    signed_in: Client, researcher: tuple[User, HostedModel]
) -> None:
    user, model = researcher
    GrantFactory.create(user=user, model=HostedModelFactory.create(release=model.release))

    signed_in.post(NEW, {**FORM, "models": [model.slug], "lifetime": ""})

    key = ApiKey.objects.get()
    assert (list(key.allowed_models.all()), key.expires_at) == ([model], None)


@pytest.mark.parametrize(
    ("changes", "field"),
    [({"name": ""}, "name"), ({"scopes": []}, "scopes"), ({"lifetime": "3"}, "lifetime")],
)
def test_a_form_names_what_is_missing(
    signed_in: Client, changes: dict[str, Any], field: str
) -> None:
    answer = signed_in.post(NEW, {**FORM, **changes})

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, [field])
    assert ApiKey.objects.count() == 0


def test_a_model_that_one_may_not_use_is_refused(signed_in: Client) -> None:
    answer = signed_in.post(NEW, {**FORM, "models": [HostedModelFactory.create().slug]})

    assert (answer.status_code, list(answer.context["form"].errors)) == (422, ["models"])


def test_a_rotation_shows_the_new_key_and_the_end_of_the_old(signed_in: Client, user: User) -> None:
    old = ApiKeyFactory.create(user=user, name="Cluster")

    answer = signed_in.post(f"{LIST}{old.pk}/rotate/", {"overlap": "24"})

    key = authenticate_key(shown_key(answer.content.decode()), at=timezone.now())
    old.refresh_from_db()
    assert (answer.status_code, key.name, old.successor) == (201, "Cluster", key)
    assert old.expires_at is not None
    assert old.expires_at - key.created_at == timedelta(days=1)
    assert answer.content.decode().count(f"{old.expires_at:%-d %B %Y, %H:%M} UTC") == 1


def test_a_rotation_that_is_sent_twice_makes_one_key(signed_in: Client, user: User) -> None:
    old = ApiKeyFactory.create(user=user)
    signed_in.post(f"{LIST}{old.pk}/rotate/", {"overlap": "24"})

    again = signed_in.post(f"{LIST}{old.pk}/rotate/", {"overlap": "24"})

    assert (again.status_code, again["Location"]) == (302, LIST)
    assert ApiKey.objects.count() == 2


def test_revoking_asks_first(signed_in: Client) -> None:
    text = shown_key(signed_in.post(NEW, FORM).content.decode())
    page = f"{LIST}{ApiKey.objects.get().pk}/revoke/"

    assert signed_in.get(page).status_code == 200
    assert authenticate_key(text, at=timezone.now())
    answer = signed_in.post(page, follow=True)

    assert answer.redirect_chain == [(LIST, 302)]
    assert [str(message) for message in answer.context["messages"]] == [
        "Laptop is revoked and no longer works."
    ]
    with pytest.raises(KeyRefused):
        authenticate_key(text, at=timezone.now())


@pytest.mark.parametrize("page", ["rotate", "revoke"])
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_touches_anothers_key(signed_in: Client, page: str, method: str) -> None:
    other = ApiKeyFactory.create()

    answer = getattr(signed_in, method)(f"{LIST}{other.pk}/{page}/", {"overlap": "0"})

    assert answer.status_code == 404
    assert ApiKey.objects.filter(revoked_at=None, successor=None).count() == 1


def test_without_access_the_page_says_why_and_where_to_go(client: Client) -> None:
    HostedModelFactory.create()
    client.force_login(UserFactory.create())

    page = client.get(LIST)

    refusal = page.context["access"].refusal
    assert refusal.message == "The licence is not signed yet."
    assert page.content.decode().count(f'href="{refusal.next_step.url}"') == 1
    assert page.content.decode().count(f'href="{NEW}"') == 0
    assert client.get(NEW)["Location"] == LIST


def test_working_keys_come_first(signed_in: Client, user: User) -> None:
    now = timezone.now()
    ApiKeyFactory.create(user=user, name="Works", created_at=now - timedelta(days=9))
    ApiKeyFactory.create(user=user, name="Revoked", revoked_at=now)
    ApiKeyFactory.create(user=user, name="Expired", expires_at=now)

    context = signed_in.get(LIST).context

    assert [row.key.name for row in context["working"]] == ["Works"]
    assert [(row.key.name, row.state) for row in context["ended"]] == [
        ("Expired", "expired"),
        ("Revoked", "revoked"),
    ]


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_whatever_it_holds(
    signed_in: Client, user: User, count: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    for key in ApiKeyFactory.create_batch(count, user=user):
        key.allowed_models.set(HostedModelFactory.create_batch(count))
    signed_in.get(LIST)

    with django_assert_num_queries(9):
        signed_in.get(LIST)


def test_a_reviewer_without_models_makes_a_key_for_decisions_and_nothing_else(
    client: Client, db: None
) -> None:
    client.force_login(UserFactory.create(is_reviewer=True))
    form = client.get("/account/keys/new/").context["form"]
    assert form.fields["scopes"].choices == [("decisions", "Decisions on applications and grants")]
    made = client.post("/account/keys/new/", {"name": "Desk", "scopes": ["decisions"]})
    assert made.status_code == 201
