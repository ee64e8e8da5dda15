"""Reviewers and operators need a second factor outside the demo."""

from __future__ import annotations

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from pytest_django import Settings

from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.platform.accounts.walking import switch_on_totp

pytestmark = pytest.mark.django_db


@pytest.fixture
def production(settings: Settings) -> None:
    settings.REQUIRE_STAFF_MFA = True


def enter(person: User, path: str, **headers: str) -> tuple[int, str]:
    client = Client()
    client.force_login(person)
    answer = client.get(path, headers=headers)
    return answer.status_code, answer.headers.get("Location", "")


@pytest.mark.parametrize("path", ["/console/", "/admin/", "/admin/accounts/user/"])
def test_operator_without_a_factor_is_sent_to_add_one(production: None, path: str) -> None:
    operator = UserFactory.create(is_staff=True)

    assert enter(operator, path) == (302, "/account/2fa/")


def test_reviewer_without_a_factor_is_sent_to_add_one(production: None) -> None:
    reviewer = UserFactory.create(is_reviewer=True)

    assert enter(reviewer, "/console/") == (302, "/account/2fa/")


@pytest.mark.parametrize("kind", [Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN])
def test_an_app_or_a_passkey_opens_the_door(production: None, kind: Authenticator.Type) -> None:
    operator = UserFactory.create(is_staff=True)
    Authenticator.objects.create(user=operator, type=kind, data={"secret": "unused"})

    assert enter(operator, "/admin/") == (200, "")


def test_recovery_codes_alone_do_not(production: None) -> None:
    operator = UserFactory.create(is_staff=True)
    Authenticator.objects.create(
        user=operator, type=Authenticator.Type.RECOVERY_CODES, data={"seed": "unused"}
    )

    assert enter(operator, "/admin/") == (302, "/account/2fa/")


def test_the_demo_asks_for_none() -> None:
    assert enter(UserFactory.create(is_staff=True), "/admin/") == (200, "")


def test_other_people_are_not_asked(production: None) -> None:
    assert enter(UserFactory.create(), "/account/") == (200, "")


def test_the_page_to_add_one_says_why(production: None) -> None:
    client = Client()
    client.force_login(UserFactory.create(is_reviewer=True))

    page = client.get("/console/", follow=True)

    sentences = [str(message) for message in page.context["messages"]]
    assert sentences == ["Your role needs a second factor. Add one here, then continue."]


def test_adding_one_through_the_pages_opens_the_door(production: None) -> None:
    client = Client()
    client.force_login(UserFactory.create(is_staff=True))

    switch_on_totp(client)

    assert client.get("/admin/").status_code == 200


def test_json_clients_get_the_code_and_the_way_out(production: None) -> None:
    client = Client()
    client.force_login(UserFactory.create(is_reviewer=True))

    answer = client.get("/console/", headers={"Accept": "application/json"})

    assert answer.status_code == 403
    assert answer.json()["error"]["code"] == "mfa_required"
    assert answer.json()["error"]["next_step"] == {
        "label": "Add a second factor",
        "url": "/account/2fa/",
    }
