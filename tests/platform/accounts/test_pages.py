"""Every sign-in and account page has the design and obeys the content security policy."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest
from allauth.account.models import EmailAddress, EmailConfirmationHMAC
from allauth.mfa.models import Authenticator
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from portal.platform.accounts.models import User
from tests.platform.accounts.soft_passkey import SoftPasskey, add_passkey
from tests.platform.accounts.walking import confirm_password, sign_in, switch_on_totp

pytestmark = pytest.mark.django_db

OPEN = [
    "/account/login/",
    "/account/signup/",
    "/account/inactive/",
    "/account/confirm-email/",
    "/account/confirm-email/no-such-key/",
    "/account/password/reset/",
    "/account/password/reset/done/",
    "/account/password/reset/key/done/",
    "/account/password/reset/key/1-nonsense/",
    "/account/3rdparty/login/cancelled/",
]
FAILED = "/account/3rdparty/login/error/"
SIGNED_IN = [
    "/account/",
    "/account/logout/",
    "/account/email/",
    "/account/password/change/",
    "/account/reauthenticate/",
    "/account/2fa/",
    "/account/2fa/totp/activate/",
    "/account/2fa/webauthn/",
    "/account/2fa/webauthn/add/",
    "/account/sessions/",
    "/account/3rdparty/",
    "/account/keys/",
    "/account/keys/device/",
    "/account/usage/",
    "/account/erase/",
]
WITH_FACTOR = [
    "/account/2fa/",
    "/account/2fa/totp/deactivate/",
    "/account/2fa/recovery-codes/",
    "/account/2fa/recovery-codes/generate/",
    "/account/2fa/reauthenticate/",
    "/account/2fa/webauthn/reauthenticate/",
    "/account/2fa/webauthn/keys/{key}/edit/",
    "/account/2fa/webauthn/keys/{key}/remove/",
]


class Forbidden(HTMLParser):
    """Collects what a strict content security policy would block, and counts headings."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.headings = 0
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.headings += tag == "h1"
        if tag == "script" and "src" not in given and given.get("type") != "application/json":
            self.found.append(f"inline script: {given}")
        if tag == "style" or "style" in given:
            self.found.append(f"inline style on {tag}: {given}")
        self.found += [f"{name} on {tag}" for name in given if name.startswith("on")]


def check(client: Client, path: str, *, status: int = 200) -> None:
    page = client.get(path)
    html = page.content.decode()
    seen = Forbidden(html)

    assert page.status_code == status
    assert (seen.found, seen.headings) == ([], 1)
    assert '<a class="wordmark"' in html
    assert re.search(r"<title>[^<]+ · Gatehouse</title>", html)


@pytest.mark.parametrize("path", OPEN)
def test_open_pages(client: Client, path: str) -> None:
    check(client, path)


def test_failure_of_signing_in_elsewhere(client: Client) -> None:
    check(client, FAILED, status=401)


@pytest.mark.parametrize("path", SIGNED_IN)
def test_pages_of_a_person(signed_in: Client, path: str) -> None:
    confirm_password(signed_in)
    check(signed_in, path)


@pytest.fixture
def guarded(signed_in: Client) -> tuple[Client, int]:
    """A person with an app and a passkey, and the number of the passkey."""
    switch_on_totp(signed_in)
    add_passkey(signed_in, SoftPasskey())
    return signed_in, Authenticator.objects.get(type=Authenticator.Type.WEBAUTHN).pk


@pytest.mark.parametrize("path", WITH_FACTOR)
def test_pages_of_a_person_with_a_second_factor(guarded: tuple[Client, int], path: str) -> None:
    client, key = guarded
    check(client, path.format(key=key))


def test_question_for_the_second_factor(guarded: tuple[Client, int], person: User) -> None:
    client = Client()
    sign_in(client, person.email)

    check(client, "/account/2fa/authenticate/")


def test_confirmation_of_an_address(client: Client, person: User) -> None:
    address = EmailAddress.objects.get(user=person)
    address.verified = False
    address.save()

    check(client, f"/account/confirm-email/{EmailConfirmationHMAC(address).key}/")


def test_setting_a_first_password(client: Client, person: User) -> None:
    person.set_unusable_password()
    person.save()
    client.force_login(person)

    check(client, "/account/password/set/")


def test_errors_are_tied_to_their_fields(client: Client) -> None:
    html = client.post("/account/login/", {"login": "not an address"}).content.decode()

    (field,) = re.findall(r'<input type="email"[^>]*>', html)
    assert 'aria-invalid="true"' in field
    assert 'aria-describedby="id_login_error"' in field
    assert '<div id="id_login_error">' in html
    assert '<a href="#id_login">' in html


def test_no_page_of_allauth_is_forgotten() -> None:
    """A page that a new release of allauth adds must be checked before it is served."""
    known = {
        *OPEN,
        *SIGNED_IN,
        *WITH_FACTOR,
        FAILED,
        "/account/2fa/authenticate/",
        "/account/password/set/",
    }
    not_pages = {
        "/account/2fa/recovery-codes/download/",  # plain text
        "/account/2fa/webauthn/login/",  # JSON for the sign-in page
        "/account/login/code/confirm/",  # codes by mail are switched off: always redirects
        "/account/usage/usage.csv",
        "/account/erase/take-back/",  # by POST
        "/account/unsent/discard/",  # by POST
        "/account/everything/",  # a zip, by POST
        "/account/keys/new/",  # only for people with API access; tested with the keys
        "/account/3rdparty/signup/",  # only during a sign-in elsewhere
    }
    served = {path for path in account_paths() if "<" not in path and "(" not in path}

    third_party = {
        path for path in served if re.search(r"/(orcid|github|google|oidc|social)/", path)
    }
    assert served - third_party - known - not_pages == set()


def account_paths() -> list[str]:
    return [
        "/" + path for path in _walk(get_resolver().url_patterns, "") if path.startswith("account/")
    ]


def _walk(patterns: list[URLPattern | URLResolver], prefix: str) -> list[str]:
    paths: list[str] = []
    for pattern in patterns:
        path = prefix + str(pattern.pattern)
        if isinstance(pattern, URLResolver):
            paths += _walk(pattern.url_patterns, path)
        else:
            paths.append(path)
    return paths
