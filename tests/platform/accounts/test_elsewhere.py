"""Signing in with ORCID, GitHub, Google or an institution, if the operator set it up."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import allauth.urls
import pytest
from allauth.socialaccount.models import SocialAccount
from allauth.socialaccount.providers import registry
from django.conf import settings as django_settings
from django.core.mail import EmailMessage
from django.test import Client, override_settings
from django.urls import clear_url_caches
from pytest_django import Settings

import portal.config.urls
from portal.platform.accounts.domain.identity import verified_orcid
from portal.platform.accounts.models import User
from tests.platform.accounts.institution import (
    CLIENT_ID,
    CLIENT_SECRET,
    Institution,
    running_institution,
)

pytestmark = pytest.mark.django_db
ADA = {"sub": "ada-1843", "email": "ada@uni.example", "name": "Ada Lovelace"}


@pytest.fixture(autouse=True)
def _every_provider() -> Iterator[None]:
    """The pages of all four providers, which a site without their settings does not have."""
    names = ("orcid", "github", "google", "openid_connect")
    more = [f"allauth.socialaccount.providers.{name}" for name in names]
    installed = [*django_settings.INSTALLED_APPS, *more]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "provider_map", dict(registry.provider_map))
        with override_settings(INSTALLED_APPS=installed):
            _read_urls_again()
            yield
    _read_urls_again()


def _read_urls_again() -> None:
    registry.loaded = False
    registry.load()
    importlib.reload(allauth.urls)
    importlib.reload(portal.config.urls)
    clear_url_caches()


@pytest.fixture
def institution(settings: Settings) -> Iterator[Institution]:
    with running_institution(dict(ADA)) as institution:
        app = {
            "provider_id": "institution",
            "name": "University of Examples",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": institution.url},
        }
        settings.SOCIALACCOUNT_PROVIDERS = {
            "openid_connect": {"OAUTH_PKCE_ENABLED": True, "APPS": [app]}
        }
        yield institution


def come_back(client: Client, institution: Institution, *, process: str = "") -> Any:
    """Go to the institution with the button, sign in there, and return."""
    start = f"/account/oidc/institution/login/?process={process or 'login'}"
    there = urlsplit(client.post(start).headers["Location"])
    asked = parse_qs(there.query)
    institution.challenge = asked["code_challenge"][0]
    callback = {"code": "the-code", "state": asked["state"][0]}
    return client.get("/account/oidc/institution/login/callback/", callback)


@pytest.mark.parametrize(
    ("provider", "name", "origin"),
    [
        ("orcid", "ORCID", "https://orcid.org"),
        ("github", "GitHub", "https://github.com"),
        ("google", "Google", "https://accounts.google.com"),
    ],
)
def test_what_is_set_up_has_a_button_that_leads_there(
    client: Client, settings: Settings, provider: str, name: str, origin: str
) -> None:
    settings.SOCIALACCOUNT_PROVIDERS = {provider: {"APPS": [{"client_id": "a", "secret": "b"}]}}

    html = client.get("/account/login/").content.decode()
    buttons = re.findall(r'<a class="button" href="([^"]+)">\s*([^<]+?)\s*</a>', html)
    sent = client.post(f"/account/{provider}/login/")

    assert buttons == [(f"/account/{provider}/login/?process=login", name)]
    assert sent.headers["Location"].startswith(f"{origin}/")


def test_a_newcomer_completes_an_account_and_confirms_its_address(
    client: Client, institution: Institution, mailoutbox: list[EmailMessage]
) -> None:
    back = come_back(client, institution)
    form = client.get(back.headers["Location"])
    initial = form.context["form"].initial
    made = client.post(
        back.headers["Location"], {"name": initial["name"], "email": initial["email"]}
    )

    assert (back.headers["Location"], form.status_code) == ("/account/3rdparty/signup/", 200)
    assert made.headers["Location"] == "/account/confirm-email/"
    ada = User.objects.get()
    assert (ada.name, ada.email) == ("Ada Lovelace", "ada@uni.example")
    assert [mail.to for mail in mailoutbox] == [["ada@uni.example"]]


def test_it_does_not_open_an_account_that_has_the_same_address(
    client: Client, institution: Institution, person: User
) -> None:
    """The operator of another site could claim any address there."""
    institution.person["email"] = person.email

    come_back(client, institution)

    assert "_auth_user_id" not in client.session


def test_a_connected_account_signs_in(
    signed_in: Client, institution: Institution, person: User
) -> None:
    signed_in.post("/account/reauthenticate/", {"password": "a-long-test-password"})
    come_back(signed_in, institution, process="connect")

    visitor = Client()
    back = come_back(visitor, institution)

    assert back.headers["Location"] == "/access/"
    assert visitor.session["_auth_user_id"] == str(person.pk)
    assert signed_in.get("/account/").context["account"].connections == ("University of Examples",)


def test_a_stolen_code_is_useless(client: Client, institution: Institution) -> None:
    """Without the verifier that belongs to the challenge, the institution refuses it."""
    there = urlsplit(client.post("/account/oidc/institution/login/").headers["Location"])
    institution.challenge = "that-of-another-browser"

    back = client.get(
        "/account/oidc/institution/login/callback/",
        {"code": "the-code", "state": parse_qs(there.query)["state"][0]},
    )

    assert back.status_code == 401
    assert "Sign-in through the other site failed" in back.content.decode()


def test_an_institution_that_is_down_is_explained(client: Client, settings: Settings) -> None:
    with running_institution(dict(ADA)) as gone:
        app = {
            "provider_id": "institution",
            "name": "University of Examples",
            "client_id": CLIENT_ID,
            "secret": CLIENT_SECRET,
            "settings": {"server_url": gone.url},
        }
    settings.SOCIALACCOUNT_PROVIDERS = {"openid_connect": {"APPS": [app]}}

    answer = client.post("/account/oidc/institution/login/")

    assert answer.status_code == 502
    assert "Sign-in through the other site failed" in answer.content.decode()


def test_only_orcid_itself_confirms_an_orcid(person: User) -> None:
    assert verified_orcid(person) == ""

    SocialAccount.objects.create(user=person, provider="orcid", uid="0000-0002-1825-0097")

    assert verified_orcid(person) == "0000-0002-1825-0097"
