"""The metrics page in a browser: charts above their tables, and the tables without a script."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from django.utils import timezone
from playwright.sync_api import Browser, BrowserContext, Page, expect
from pytest_django.live_server_helper import LiveServer

from portal.gate.access.enums import ApplicationState, Command
from tests.e2e.browser import DESKTOP, PHONE, judge, launched_browser, open_page
from tests.factories.access import ApplicationFactory, RulingFactory, StepFactory
from tests.factories.accounts import PASSWORD, UserFactory

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHART = ".chart canvas"


@pytest.fixture(scope="module")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as browser:
            yield browser


def open_metrics(context: BrowserContext, live_server: LiveServer, complaints: list[str]) -> Page:
    """The page as a reviewer sees it after some weeks of work."""
    now = timezone.now()
    for number in range(40):
        at = now - timedelta(days=number * 2)
        state = ApplicationState.REJECTED if number % 4 == 0 else ApplicationState.APPROVED
        application = ApplicationFactory.create(
            state=state, decided_at=at, country=("NO", "KE", "BR")[number % 3]
        )
        StepFactory.create(application=application, at=at - timedelta(days=3))
        command = Command.REJECT if state == ApplicationState.REJECTED else Command.APPROVE
        RulingFactory.create(
            step__application=application,
            step__command=command,
            step__at=at,
            waited=timedelta(hours=20 + number * 7 % 50),
        )
    return visit_metrics(context, live_server, complaints)


def visit_metrics(context: BrowserContext, live_server: LiveServer, complaints: list[str]) -> Page:
    """The page as a reviewer sees it."""
    reviewer = UserFactory.create(is_reviewer=True, is_auditor=True)
    page = open_page(context, complaints)
    page.goto(f"{live_server.url}/account/login/?next=/console/metrics/")
    page.get_by_label("E-mail address").fill(reviewer.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/console/metrics/")
    return page


def test_charts_stand_above_their_tables_in_both_schemes(
    chromium: Browser, live_server: LiveServer
) -> None:
    complaints: list[str] = []
    context = chromium.new_context(viewport=DESKTOP, color_scheme="light")
    page = open_metrics(context, live_server, complaints)
    expect(page.locator(CHART)).to_have_count(2)
    inks = []
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        inks.append(page.locator(".chart").first.evaluate(INKS))
    page.set_viewport_size(PHONE)
    place = page.locator(".chart").first
    expect(place.locator(".uplot")).to_have_js_property("offsetWidth", place.evaluate(INNER_WIDTH))
    complaints.extend(judge(page))
    assert complaints == []
    assert inks[0] != inks[1]
    context.close()


def test_one_week_alone_stands_in_the_middle(chromium: Browser, live_server: LiveServer) -> None:
    complaints: list[str] = []
    StepFactory.create(application=ApplicationFactory.create())
    with chromium.new_context(viewport=DESKTOP) as context:
        page = visit_metrics(context, live_server, complaints)
        plot = page.locator(".chart .u-over").first
        plot.hover()
        room, point = plot.bounding_box(), page.locator(".u-cursor-pt").first.bounding_box()

    assert room is not None
    assert point is not None
    middle = (point["x"] + point["width"] / 2 - room["x"]) / room["width"]
    assert round(middle, 2) == 0.5
    assert complaints == []


def test_without_a_script_the_tables_hold_every_number(
    chromium: Browser, live_server: LiveServer
) -> None:
    complaints: list[str] = []
    context = chromium.new_context(viewport=DESKTOP, java_script_enabled=False)
    page = open_metrics(context, live_server, complaints)
    page.get_by_text("Numbers for").first.click()
    table = page.get_by_role("region", name="Applications by week").get_by_role("table")
    expect(table).to_be_visible()
    expect(page.locator(CHART)).to_have_count(0)
    context.close()


INNER_WIDTH = "(place) => place.clientWidth"
"""A function, since the content security policy forbids evaluating a string."""
INKS = """(place) => {
  const canvas = place.querySelector("canvas");
  const data = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data;
  const inks = new Set();
  for (let i = 0; i < data.length; i += 4) {
    if (data[i + 3] === 255) inks.add(`${data[i]},${data[i + 1]},${data[i + 2]}`);
  }
  return [...inks].sort().join(" ");
}"""
"""Every opaque colour that the chart was drawn with."""
