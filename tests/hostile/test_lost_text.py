"""Text that a person wrote while their session ended, in any form."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import unquote

import pytest
from django.contrib.sessions.models import Session
from django.test import Client, RequestFactory
from django.urls import resolve, reverse
from pytest_django import Settings
from redis import Redis

from portal.platform.accounts.models import User
from portal.platform.core.form_origin import FIELD, sign_origin
from portal.platform.core.way_back import find_way_back
from tests.factories.accounts import PASSWORD, UserFactory
from tests.page_forms import PageForm, find_form, read_forms
from tests.walker import cast, people
from tests.walker.routes import all_routes

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("valkey")]

LOGIN = "/account/login/"
WRITTEN = "What I wrote <b>for an hour</b> & kept nowhere else."
SHOWN = "What I wrote &lt;b&gt;for an hour&lt;/b&gt; &amp; kept nowhere else."
JSON = {"Accept": "application/json"}


def end_session(client: Client) -> None:
    """End the session as from elsewhere: the browser still has all its cookies."""
    Session.objects.filter(session_key=client.cookies["sessionid"].value).delete()


def send(client: Client, form: PageForm, **changes: str) -> str:
    """Send a form with text in its text fields, and return where it redirects to."""
    data: dict[str, Any] = {**form.fields, **dict.fromkeys(form.texts, WRITTEN), **changes}
    return client.post(form.action, data).headers.get("Location", "")


def sign_in(client: Client, person: User, *, at: str) -> str:
    """Sign in on the page that the form redirected to, and return where that leads."""
    page = client.get(at)
    form = find_form(page.content.decode(), page=at, action=LOGIN)
    data = {**form.fields, "login": person.email, "password": PASSWORD}
    answer = client.post(LOGIN, data)
    assert answer.status_code == 302, answer.content.decode()
    return str(answer.headers["Location"])


@pytest.fixture(autouse=True)
def _no_limit_of_sign_ins(settings: Settings) -> None:
    settings.ACCOUNT_RATE_LIMITS = False


@pytest.fixture
def ada() -> User:
    return UserFactory.create(name="Ada Lovelace")


@pytest.fixture
def browser(ada: User) -> Client:
    """Ada's browser, with CSRF checks."""
    client = Client(enforce_csrf_checks=True, headers={"Origin": "http://testserver"})
    client.force_login(ada)
    return client


def open_name_form(client: Client) -> PageForm:
    page = client.get("/account/")
    return find_form(page.content.decode(), page="/account/", action="/account/")


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_every_text_comes_back_after_signing_in_again() -> None:
    actors = people.seed()
    arguments = cast.arguments(actors)
    post_only = find_post_only(actors, arguments)
    lost: list[tuple[str, str, str]] = []
    sent: Counter[str] = Counter()
    for role, actor in actors.items():
        if actor is None:
            continue
        actor.set_password(PASSWORD)
        actor.save()
        client = Client()
        client.force_login(actor)
        own = find_text_forms(client, arguments)
        forms = [*own.values(), *make_forms(client, actor, post_only - own.keys())]
        for form in forms:
            client.force_login(actor)
            end_session(client)
            login = send(client, form)
            if login.startswith(LOGIN):
                sent[role] += 1
                landed = sign_in(client, actor, at=login)
                page = client.get(landed)
                if page.status_code != 200 or SHOWN not in page.content.decode():
                    lost.append((role, form.action, landed))

    assert lost == []
    assert sent == {
        "applicant": 29,
        "researcher": 40,
        "other": 30,
        "member": 30,
        "suspended": 28,
        "reviewer": 46,
        "auditor": 30,
        "operator": 32,
    }


def find_text_forms(client: Client, arguments: dict[str, Any]) -> dict[str, PageForm]:
    """Every form with text on every page that the person can open, by its target."""
    found = {}
    for route in all_routes():
        if route.pattern.startswith(("v1/", "hub/", "admin/", "demo/")):
            continue
        page = route.address(arguments)
        answer = client.get(page)
        is_page = answer.headers.get("Content-Type", "").startswith("text/html")
        if answer.status_code == 200 and is_page and not answer.streaming:
            for form in read_forms(answer.content.decode(), page=page):
                if form.texts and resolve(form.action).namespaces:
                    found[form.action] = form
        answer.close()
    return found


def make_forms(client: Client, actor: User, addresses: set[str]) -> Iterator[PageForm]:
    """For views that accept only POST and are not on any page of these people now."""
    for address in sorted(addresses):
        request = RequestFactory().get(find_way_back(address))
        request.user = actor
        if client.get(request.path).status_code == 200:
            yield PageForm(address, {FIELD: [sign_origin(request)]}, texts=["note"])


def find_post_only(actors: Mapping[str, User | None], arguments: dict[str, Any]) -> set[str]:
    """Addresses of pages that do not accept GET, as the walker fills them in."""
    operator = Client()
    assert actors["operator"] is not None
    operator.force_login(actors["operator"])
    addresses = set()
    for route in all_routes():
        if route.pattern.startswith(("v1/", "hub/", "admin/")) or "(" in route.pattern:
            continue
        answer = operator.get(address := route.address(arguments))
        answer.close()
        if answer.status_code == 405:
            addresses.add(address)
    return addresses


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_signing_in_never_leads_to_an_address_that_takes_only_posts() -> None:
    actors = people.seed()
    addresses = find_post_only(actors, cast.arguments(actors))

    logins = {address: Client().post(address).headers.get("Location", "") for address in addresses}

    after = {unquote(login.partition("?next=")[2]) for login in logins.values()}
    assert after & addresses == set()
    assert {find_way_back(address) for address in addresses} & addresses == set()
    assert len(addresses) == 43


def test_a_405_is_a_page_with_the_way_back(client: Client) -> None:
    answer = client.get("/access/apply/submit/")

    html = answer.content.decode()
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert "This address only accepts forms" in html
    assert 'href="/access/apply/"' in html


def test_a_405_speaks_json_to_json_clients(client: Client) -> None:
    answer = client.post("/access/", headers=JSON)

    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, HEAD")
    assert answer.json() == {
        "error": {
            "code": "http_405",
            "message": "This address does not accept POST. It accepts GET, HEAD.",
        }
    }


def test_nothing_is_sent_by_signing_in(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    end_session(browser)
    login = send(browser, form, name="Countess")

    assert login == "/account/login/?next=/account/"
    assert sign_in(browser, ada, at=login) == "/account/"
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    assert "Countess" in browser.get("/account/").content.decode()


def test_what_was_sent_in_the_end_is_kept_no_longer(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    end_session(browser)
    sign_in(browser, ada, at=send(browser, form, name="Countess"))

    assert send(browser, open_name_form(browser), name="Ada King") == "/account/"

    assert "Countess" not in browser.get("/account/").content.decode()


def test_it_can_be_discarded(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    end_session(browser)
    sign_in(browser, ada, at=send(browser, form, name="Countess"))
    address = reverse("accounts:discard-unsent")
    page = browser.get("/account/").content.decode()

    assert send(browser, find_form(page, page="/account/", action=address)) == "/account/"

    assert "Countess" not in browser.get("/account/").content.decode()


def test_nobody_else_is_shown_it(browser: Client, ada: User) -> None:
    other = UserFactory.create()
    form = open_name_form(browser)
    end_session(browser)
    login = send(browser, form, name="Countess")

    sign_in(browser, other, at=login)

    assert "Countess" not in browser.get("/account/").content.decode()


def test_it_stays_in_the_browser_it_was_written_in(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    end_session(browser)
    send(browser, form, name="Countess")
    elsewhere = Client()
    elsewhere.force_login(ada)

    assert "Countess" not in elsewhere.get("/account/").content.decode()


def test_signing_out_forgets_it(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    end_session(browser)
    sign_in(browser, ada, at=send(browser, form, name="Countess"))
    page = browser.get("/").content.decode()
    form = find_form(page, page="/", action="/account/logout/")
    answer = browser.post(form.action, form.fields)

    assert answer.headers["Clear-Site-Data"] == '"storage"'
    sign_in(browser, ada, at=LOGIN)

    assert "Countess" not in browser.get("/account/").content.decode()


def test_a_form_from_before_signing_in_again_keeps_its_text(browser: Client, ada: User) -> None:
    """As in another tab: the form's token is from before the sign-in."""
    form = open_name_form(browser)
    sign_in_again(browser, ada)

    answer = send(browser, form, name="Countess")

    assert answer == "/account/"
    ada.refresh_from_db()
    assert ada.name == "Ada Lovelace"
    page = browser.get("/account/").content.decode()
    assert "Countess" in page
    assert "before you signed in again" in page


def test_a_form_whose_cookies_are_gone_keeps_its_text(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    browser.cookies.clear()

    login = send(browser, form, name="Countess")

    assert login == "/account/login/?next=/account/"
    assert sign_in(browser, ada, at=login) == "/account/"
    assert "Countess" in browser.get("/account/").content.decode()


def test_anothers_form_is_neither_sent_nor_shown(browser: Client, ada: User) -> None:
    form = open_name_form(browser)
    sign_in_again(browser, UserFactory.create())

    answer = browser.post("/account/", {**form.fields, "name": "Countess"})

    html = answer.content.decode()
    assert answer.status_code == 403
    assert "belongs to another account" in html
    assert "Countess" not in html
    sign_in_again(browser, ada)
    assert "Countess" in browser.get("/account/").content.decode()


def test_text_of_somebody_without_an_account_stands_on_the_page_that_refuses_it() -> None:
    stranger = Client(enforce_csrf_checks=True, headers={"Origin": "http://testserver"})

    answer = stranger.post("/verify/", {"code": WRITTEN})

    assert answer.status_code == 403
    assert SHOWN in answer.content.decode()


def test_another_site_puts_no_text_on_the_page() -> None:
    attacker = Client(enforce_csrf_checks=True, headers={"Origin": "https://attacker.example"})

    answer = attacker.post("/verify/", {"code": WRITTEN})

    assert answer.status_code == 403
    assert SHOWN not in answer.content.decode()


def test_a_licence_written_in_the_admin_comes_back(browser: Client, ada: User) -> None:
    ada.is_staff = True
    ada.save()
    address = reverse("admin:licensing_licenceversion_add")
    form = find_form(browser.get(address).content.decode(), page=address, action=address)
    end_session(browser)

    login = send(browser, form)

    assert sign_in(browser, ada, at=login) == address
    assert SHOWN in browser.get(address).content.decode()


def test_passwords_are_kept_nowhere(browser: Client, valkey: Redis) -> None:
    page = browser.get("/account/password/change/").content.decode()
    form = find_form(page, page="/account/password/change/", action="/account/password/change/")
    end_session(browser)

    browser.post(form.action, {**form.fields, "oldpassword": PASSWORD, "password1": WRITTEN})

    assert valkey.keys("unsent:*") == []


def test_without_a_page_of_ones_own_nothing_is_kept(client: Client, valkey: Redis) -> None:
    """A stranger cannot fill the store."""
    client.post("/account/", {"name": WRITTEN, "form_origin": "made:up"})

    assert valkey.keys("unsent:*") == []


def test_a_staff_member_without_a_second_factor_keeps_their_text(
    settings: Settings, browser: Client, ada: User
) -> None:
    ada.is_reviewer = True
    ada.save()
    page = browser.get("/console/denials/").content.decode()
    form = find_form(page, page="/console/denials/", action="/console/denials/")
    settings.REQUIRE_STAFF_MFA = True
    assert send(browser, form) == "/account/2fa/"
    settings.REQUIRE_STAFF_MFA = False

    assert SHOWN in browser.get("/console/denials/").content.decode()


def sign_in_again(client: Client, person: User) -> None:
    """As in another tab of the same browser."""
    end_session(client)
    sign_in(client, person, at=LOGIN)
