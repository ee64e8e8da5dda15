"""Making, copying and rotating a key in a real browser, in both schemes and on a phone."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.gate.keys.models import ApiKey
from tests.e2e.browser import judge, launched_browser, open_page
from tests.factories.accounts import PASSWORD
from tests.factories.jobs import make_researcher
from tests.factories.keys import ApiKeyFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture(scope="module")
def context(django_db_setup: None) -> Iterator[BrowserContext]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium.new_context(permissions=["clipboard-read", "clipboard-write"])


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


def test_a_key_is_made_copied_rotated_and_revoked_by_keyboard(
    live_server: LiveServer, page: Page, complaints: list[str]
) -> None:
    user, _ = make_researcher()
    page.goto(f"{live_server.url}/account/login/")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).press("Enter")
    page.wait_for_url(f"{live_server.url}/access/")
    page.goto(f"{live_server.url}/account/keys/")
    complaints += judge(page)

    page.get_by_role("link", name="Make a key").press("Enter")
    complaints += judge(page)
    page.get_by_label("Name").fill("Evaluation cluster")
    page.get_by_role("button", name="Make the key").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new key: Evaluation cluster")
    complaints += judge(page)
    page.get_by_role("button", name="Copy").press("Enter")
    expect(page.get_by_role("status")).to_have_text("Copied.")
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied == page.locator("#new-key").text_content()

    page.get_by_role("link", name="I have copied it").press("Enter")
    page.get_by_role("link", name="Rotate Evaluation cluster").press("Enter")
    complaints += judge(page)
    page.get_by_role("button", name="Make the new key").press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text("Your new key: Evaluation cluster")
    assert page.locator("#new-key").text_content() != copied
    ApiKeyFactory.create(user=user, name="A lost one")
    page.goto(f"{live_server.url}/account/keys/")
    complaints += judge(page)

    page.get_by_role("link", name="Revoke A lost one").press("Enter")
    complaints += judge(page)
    page.get_by_role("button", name="Revoke it").press("Enter")
    expect(page.get_by_role("link", name="Revoke A lost one")).to_have_count(0)
    assert ApiKey.objects.filter(user=user, revoked_at=None).count() == 2
