"""A request for erasure, in a browser: made with the password, and withdrawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.desk.privacy.models import ErasureRequest
from tests.e2e.browser import DESKTOP, judge, launched_browser, open_page
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
]


@pytest.fixture(scope="module")
def context(django_db_setup: None) -> Iterator[BrowserContext]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as chromium:
            yield chromium.new_context(color_scheme="light", viewport=DESKTOP)


@pytest.fixture
def page(context: BrowserContext) -> Iterator[Page]:
    complaints: list[str] = []
    page = open_page(context, complaints)
    yield page
    page.close()
    assert complaints == []


def test_a_person_asks_to_be_erased_and_takes_it_back(page: Page, live_server: LiveServer) -> None:
    person = UserFactory.create(name="Amara Okafor")
    page.goto(f"{live_server.url}/account/login/?next=/account/")
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_role("link", name="Erase my account").click()
    complaints = judge(page, "erase")
    page.get_by_role("button", name="Erase my account").click()
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Confirm").click()
    keep = page.get_by_role("button", name="Keep my account")
    expect(keep).to_be_visible()
    complaints += judge(page, "asked")
    page.goto(f"{live_server.url}/account/")
    complaints += judge(page, "overview")
    keep.click()
    expect(page.get_by_text("Your account will not be erased.")).to_be_visible()
    assert complaints == []
    assert ErasureRequest.objects.get(person=person).state == "taken_back"
