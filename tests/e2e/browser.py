"""A real browser, and what every page must satisfy in it."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, BrowserContext, Page, ViewportSize, sync_playwright

DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
# Colours in the transition to the other scheme would be judged halfway.
# A hidden page gets no frames, so the wait has a limit.
SETTLE = """async () => {
  const drawn = new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)));
  const ends = ({ effect }) => effect.getComputedTiming().endTime !== Infinity;
  const settled = drawn.then(() =>
    Promise.allSettled(
      document.getAnimations().filter(ends).map((animation) => animation.finished),
    ),
  );
  await Promise.race([settled, new Promise((done) => setTimeout(done, 3000))]);
}"""
SERIOUS = {"serious", "critical"}
ALL_RULES: dict[str, Any] = {"resultTypes": ["violations"]}
COLOUR_RULES: dict[str, Any] = {
    **ALL_RULES,
    "runOnly": {"type": "rule", "values": ["color-contrast", "link-in-text-block"]},
}
# The themes differ in their colours alone.
THEMES: dict[Literal["light", "dark"], dict[str, Any]] = {"light": ALL_RULES, "dark": COLOUR_RULES}


@contextmanager
def launched_browser() -> Iterator[Browser]:
    """Headless Chromium of this machine; without one, the test fails in CI and skips elsewhere."""
    path = shutil.which("chromium") or shutil.which("google-chrome")
    if path is None:
        message = "no Chromium found: install Debian's package `chromium`"
        if os.environ.get("CI"):
            pytest.fail(message)
        pytest.skip(message)
    with sync_playwright() as playwright:
        # Chromium refuses its sandbox to root, and containers run the tests as root.
        arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=path, args=arguments)
        try:
            yield browser
        finally:
            browser.close()


def open_page(context: BrowserContext, complaints: list[str]) -> Page:
    """A page that adds every script error and refused resource to `complaints`."""
    page = context.new_page()
    page.on("pageerror", lambda error: complaints.append(f"{page.url}: {error}"))
    page.on(
        "console",
        lambda message: (
            complaints.append(f"{page.url}: {message.text}")
            if message.type == "error" and "Content Security Policy" in message.text
            else None
        ),
    )
    return page


def judge(page: Page, name: str = "") -> list[str]:
    """The page's faults: scrolling sideways at either width, and what axe finds in both themes.

    `SCREENSHOTS=<folder>` keeps pictures of each page that has a `name`.
    """
    before, faults = page.viewport_size, []
    for size in (PHONE, DESKTOP):
        page.set_viewport_size(size)
        faults += overflow(page)
    for theme, rules in THEMES.items():
        page.emulate_media(color_scheme=theme)
        faults += [f"{theme}: {line}" for line in serious_violations(page, rules)]
    if name and (folder := os.environ.get("SCREENSHOTS")):
        _keep_pictures(page, Path(folder) / name)
    page.emulate_media(color_scheme="light")
    if before is not None:
        page.set_viewport_size(before)
    return faults


def _keep_pictures(page: Page, path: Path) -> None:
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        for size in (PHONE, DESKTOP):
            page.set_viewport_size(size)
            picture = path.with_name(f"{path.name}-{theme}-{size['width']}.png")
            page.screenshot(path=picture, full_page=True)


def serious_violations(page: Page, rules: dict[str, Any] | None = None) -> list[str]:
    """The serious and critical violations that axe finds on the page as it is drawn now."""
    page.wait_for_load_state()
    page.evaluate(SETTLE)
    response: dict[str, Any] = Axe().run(page, options=rules or ALL_RULES).response
    return [
        f"{page.url}: {violation['id']}: {node['target']}"
        for violation in response["violations"]
        if violation["impact"] in SERIOUS
        for node in violation["nodes"]
    ]


def overflow(page: Page) -> list[str]:
    """The page's name if it can be scrolled sideways, which no page should need."""
    # A page that has just been opened may not have any element yet.
    page.wait_for_load_state()
    extra = page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    return (
        [f"{page.url}: {extra} px wider than the window ({page.viewport_size})"]
        if extra > 0
        else []
    )
