"""What only a browser can show: scripts under the strict policy, and the theme."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browser import PHONE, judge, launched_browser, open_page, overflow
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
INTERNAL_AUTHENTICATOR = {
    "protocol": "ctap2",
    "transport": "internal",
    "hasResidentKey": True,
    "hasUserVerification": True,
    "isUserVerified": True,
    "automaticPresenceSimulation": True,
}


@pytest.fixture(scope="module")
def context(django_db_setup: None) -> Iterator[BrowserContext]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium.new_context(color_scheme="light")


@pytest.fixture
def complaints() -> list[str]:
    return []


@pytest.fixture
def page(context: BrowserContext, complaints: list[str]) -> Iterator[Page]:
    context.clear_cookies()
    page = open_page(context, complaints)
    yield page
    page.close()
    assert complaints == []


def sign_in(page: Page, address: str, email: str) -> None:
    page.goto(f"{address}/account/login/")
    page.get_by_label("E-mail address").fill(email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"{address}/access/")


def sign_out(page: Page) -> None:
    page.locator(".account-menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()


def test_a_passkey_is_added_and_signs_in(live_server: LiveServer, page: Page) -> None:
    address = live_server.url
    person = UserFactory.create(name="Ada Lovelace")
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    session.send("WebAuthn.addVirtualAuthenticator", {"options": INTERNAL_AUTHENTICATOR})
    sign_in(page, address, person.email)

    page.goto(f"{address}/account/2fa/webauthn/add/")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    page.get_by_role("button", name="Add passkey").click()
    page.wait_for_url(f"{address}/account/2fa/recovery-codes/")
    sign_out(page)
    page.goto(f"{address}/account/login/")
    page.get_by_role("button", name="Sign in with a passkey").click()
    page.wait_for_url(f"{address}/access/")

    assert page.locator(".account-menu > summary").inner_text() == "Ada Lovelace"


def test_a_dialogue_that_is_closed_is_explained(live_server: LiveServer, page: Page) -> None:
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    refusing: dict[str, Any] = {**INTERNAL_AUTHENTICATOR, "isUserVerified": False}
    session.send("WebAuthn.addVirtualAuthenticator", {"options": refusing})
    page.goto(f"{live_server.url}/account/login/")

    page.get_by_role("button", name="Sign in with a passkey").click()

    explanation = page.get_by_role("alert")
    explanation.wait_for()
    assert explanation.inner_text().endswith(
        "The browser closed the dialogue, or no passkey was chosen. Try again."
    )
    assert page.get_by_role("button", name="Sign in with a passkey").is_enabled()


def test_the_theme_is_chosen_and_kept(live_server: LiveServer, page: Page) -> None:
    page.goto(f"{live_server.url}/account/login/")
    paper = "getComputedStyle(document.documentElement).backgroundColor"
    light = page.evaluate(paper)

    page.get_by_role("button", name="Theme: same as the system").click()
    page.get_by_role("button", name="Theme: light").click()
    dark = page.evaluate(paper)
    page.reload()

    assert page.get_by_role("button", name="Theme: dark").is_visible()
    assert (page.evaluate(paper), dark != light) == (dark, True)


def test_the_menu_closes_by_escape_and_gives_the_focus_back(
    live_server: LiveServer, page: Page
) -> None:
    sign_in(page, live_server.url, UserFactory.create().email)
    menu = page.locator(".account-menu")

    menu.locator("summary").click()
    assert menu.get_attribute("open") is not None
    page.keyboard.press("Escape")

    assert menu.get_attribute("open") is None
    assert page.evaluate("document.activeElement.tagName") == "SUMMARY"


def test_a_refused_form_puts_the_reader_at_its_mistakes(
    live_server: LiveServer, page: Page
) -> None:
    page.goto(f"{live_server.url}/account/signup/")

    page.get_by_role("button", name="Create account").click()
    summary = page.locator("[data-error-summary]")
    summary.wait_for()

    assert page.evaluate("document.activeElement.hasAttribute('data-error-summary')")
    summary.get_by_role("link").first.click()
    assert page.evaluate("document.activeElement.id") == "id_name"
    assert judge(page) == []


def test_navigation_works_on_a_phone_without_scripts(
    live_server: LiveServer, context: BrowserContext
) -> None:
    assert context.browser is not None
    phone = context.browser.new_context(viewport=PHONE, java_script_enabled=False)
    page = phone.new_page()
    page.goto(f"{live_server.url}/account/login/")

    assert page.get_by_role("link", name="How access works").first.is_visible()
    page.get_by_role("link", name="Create an account").click()
    assert page.url == f"{live_server.url}/account/signup/"
    phone.close()


def test_pages_fit_a_phone(live_server: LiveServer, page: Page) -> None:
    page.set_viewport_size(PHONE)
    found: list[str] = []
    for path in ("/account/login/", "/account/signup/", "/account/password/reset/", "/demo/mail/"):
        page.goto(f"{live_server.url}{path}")
        found += overflow(page)

    assert found == []
