"""The application form in a browser: saved continuously, but not over another tab's text."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.domain.process.applications import open_draft
from portal.platform.accounts.models import User
from tests.e2e.browser import judge, launched_browser, open_page
from tests.factories.accounts import PASSWORD

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
]
USE = "What you will use the models for"


@pytest.fixture
def context(monkeypatch: pytest.MonkeyPatch) -> Iterator[BrowserContext]:
    # Playwright keeps an event loop in this thread, which Django would refuse.
    monkeypatch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
    with launched_browser() as chromium:
        yield chromium.new_context(color_scheme="light")


def sign_in(page: Page, person: User) -> None:
    page.get_by_label("E-mail address").fill(person.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()


def test_two_tabs_see_of_each_other_and_a_session_that_ended_loses_nothing(
    live_server: LiveServer, context: BrowserContext, signed_applicant: User
) -> None:
    address = f"{live_server.url}/access/apply/"
    complaints: list[str] = []
    one, two = open_page(context, complaints), open_page(context, complaints)
    one.goto(address)
    sign_in(one, signed_applicant)
    one.wait_for_url(address)
    two.goto(address)

    one.get_by_label(USE).fill("Measuring calibration")
    expect(one.locator("[data-draft-status]")).to_contain_text("Saved")
    one.get_by_label(USE).fill("Measuring calibration again")
    expect(one.locator("[data-draft-status]")).to_have_text("Not saved yet")
    expect(one.locator("[data-draft-status]")).to_contain_text("Saved")
    two.get_by_label(USE).fill("Measuring bias")
    expect(two.locator("[data-draft-status]")).to_contain_text("another tab saved")
    assert open_draft(signed_applicant).draft == {"intended_use": "Measuring calibration again"}
    two.get_by_role("button", name="Save draft").click()
    expect(two.locator("del")).to_have_text("calibration again")
    assert judge(two) == []
    two.get_by_role("button", name="Use the saved text").click()
    expect(two.get_by_label(USE)).to_have_value("Measuring calibration again")

    context.clear_cookies(name="sessionid")
    two.get_by_label("Your role there").evaluate("field => (field.value = 'Student')")
    two.get_by_role("button", name="Submit for review").click()
    sign_in(two, signed_applicant)
    two.wait_for_url(address)
    expect(two.locator("[data-unsent]")).to_contain_text("It is back in the form below.")
    expect(two.get_by_label("Your role there")).to_have_value("Student")
    assert judge(two) == []
    expect(two.locator("[data-draft-status]")).to_contain_text("Saved")
    assert open_draft(signed_applicant).draft["position"] == "Student"
    assert complaints == []
