"""The chosen theme is there in the first painted frame, before any script has run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

import pytest
from playwright.sync_api import Browser, Route

from tests.lab.playground.browser.conftest import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
PAPER = {"light": "rgb(247, 247, 243)", "dark": "rgb(22, 24, 26)"}
# The colour of the page in each frame, and whether anything was painted yet.
WATCH = """
window.frames_seen = [];
requestAnimationFrame(function look() {
  frames_seen.push(getComputedStyle(document.documentElement).backgroundColor);
  requestAnimationFrame(look);
});
"""
IS_PAINTED = "() => performance.getEntriesByType('paint').length > 0"


@dataclass
class Gate:
    """Holds requests until it is opened."""

    is_open: bool = False
    waiting: list[Route] = field(default_factory=list)

    def take(self, route: Route) -> None:
        if self.is_open:
            route.continue_()
        else:
            self.waiting.append(route)

    def open(self) -> None:
        self.is_open = True
        for route in self.waiting:
            route.continue_()


@pytest.mark.parametrize(
    ("system", "chosen", "seen"),
    [
        ("light", "dark", "dark"),
        ("dark", "light", "light"),
        ("dark", "auto", "dark"),
    ],
)
def test_the_first_frame_has_the_theme(
    scene: Scene,
    browser: Browser,
    system: Literal["light", "dark"],
    chosen: str,
    seen: str,
) -> None:
    context = browser.new_context(color_scheme=system)
    context.add_cookies(scene.page.context.cookies())  # type: ignore[arg-type]
    context.add_cookies([{"name": "theme", "value": chosen, "url": scene.site}])
    gate = Gate()
    context.route("**/*.js", gate.take)
    context.add_init_script(WATCH)
    page = context.new_page()
    page.goto(f"{scene.site}/playground/", wait_until="commit")

    page.wait_for_function(IS_PAINTED)
    assert gate.waiting
    assert page.evaluate("[...new Set(frames_seen)]") == [PAPER[seen]]
    gate.open()
    page.wait_for_selector("[data-run-key]:not([hidden])", state="attached")
    assert page.evaluate("[...new Set(frames_seen)]") == [PAPER[seen]]
    context.close()
