"""Nothing moves under a reader's eyes while a page's scripts arrive."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from playwright.sync_api import Browser, Page, Route, ViewportSize
from pytest_django.live_server_helper import LiveServer

from tests.e2e.browser import DESKTOP, PHONE, SETTLE, launched_browser
from tests.factories.access import ApplicationFactory, StepFactory
from tests.factories.accounts import PASSWORD, UserFactory
from tests.factories.jobs import make_researcher

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
MOST = 0.02
PAINTED = """() => new Promise((done) => {
  new PerformanceObserver((list) => {
    if (list.getEntriesByName("first-contentful-paint").length) done();
  }).observe({ type: "paint", buffered: true });
})"""
SHIFT = """() => new Promise((done) => {
  let sum = 0;
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries()) sum += entry.value;
  }).observe({ type: "layout-shift", buffered: true });
  requestAnimationFrame(() => requestAnimationFrame(() => done(sum)));
})"""


@dataclass
class LateScripts:
    """Scripts that are held back until they are released."""

    waiting: list[Route] | None = field(default_factory=list)

    def hold(self, route: Route) -> None:
        if self.waiting is None:
            route.continue_()
        else:
            self.waiting.append(route)

    def let_go(self) -> None:
        waiting, self.waiting = self.waiting, None
        for route in waiting or ():
            route.continue_()


@pytest.fixture(scope="module")
def chromium(django_db_setup: None) -> Iterator[Browser]:
    """One browser. Playwright keeps an event loop in this thread, which Django would refuse."""
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")
        with launched_browser() as browser:
            yield browser


@pytest.mark.parametrize("viewport", [PHONE, DESKTOP], ids=["phone", "desktop"])
@pytest.mark.parametrize(
    "path", ["/playground/", "/docs/api/", "/docs/api/completions/", "/console/metrics/"]
)
def test_scripts_that_come_late_move_nothing(
    chromium: Browser, live_server: LiveServer, path: str, viewport: ViewportSize
) -> None:
    user, _ = make_researcher()
    if path.startswith("/console/"):
        user = UserFactory.create(is_reviewer=True)
        StepFactory.create(application=ApplicationFactory.create())
    context = chromium.new_context(viewport=viewport, base_url=live_server.url)
    page = context.new_page()
    page.goto(f"/account/login/?next={path}")
    page.get_by_label("E-mail address").fill(user.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(f"**{path}")

    shift = measure_shift(page, path)

    context.close()
    assert shift <= MOST


def measure_shift(page: Page, path: str) -> float:
    """The layout shift of a page whose scripts come after its first paint."""
    late = LateScripts()
    page.route("**/*.js", late.hold)
    page.goto(path, wait_until="commit")
    page.evaluate(PAINTED)
    late.let_go()
    page.wait_for_load_state("networkidle")
    page.evaluate(SETTLE)
    return float(page.evaluate(SHIFT))
