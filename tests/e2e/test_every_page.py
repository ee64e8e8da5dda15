"""Follows every link of the site as each kind of person, and judges each page it finds."""

from __future__ import annotations

import re
from collections.abc import Iterator
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Browser, Page

from tests.e2e.browser import (
    DESKTOP,
    PHONE,
    launched_browser,
    open_page,
    overflow,
    serious_violations,
)
from tests.e2e.stack import DemoStack, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.engine]

IDENTIFIERS = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|GH-[\d-]+|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}|\d+")
NOT_PAGES = re.compile(
    r"/logout/|/text/?$|/pdf/$|/static/|/admin/|/download|/v1/|/export/|/everything/|\.csv$"
)
# The demo's mailbox is open to all; the links in a message are for its recipient.
SOMEBODYS_MAIL = re.compile(r"/demo/mail/\d+/")
ROLES = (None, "applicant", "researcher", "reviewer", "operator", "auditor")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as chromium:
        yield chromium


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_to_a_role_are_accessible_and_fit(
    demo_stack: DemoStack, browser: Browser, role: str | None
) -> None:
    complaints: list[str] = []
    with browser.new_context(viewport=DESKTOP, base_url=demo_stack.url) as context:
        page = open_page(context, complaints)
        if role is not None:
            sign_in(page, demo_stack.account(role))

        visited = list(_crawl(page, demo_stack.url, complaints))

    assert "\n".join(complaints) == ""
    assert len(visited) >= 10


def _crawl(page: Page, origin: str, complaints: list[str]) -> Iterator[str]:
    waiting, shapes = ["/"], {"/"}
    while waiting:
        address = waiting.pop(0)
        response = page.goto(address)
        assert response is not None
        if response.status != 200:
            complaints.append(f"{address}: answered {response.status}")
            continue
        yield address
        _judge(page, complaints)
        if SOMEBODYS_MAIL.match(address):
            continue
        for link in page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)"):
            path = urlsplit(urljoin(page.url, link))
            shape = IDENTIFIERS.sub("#", path.path)
            if not link.startswith(origin) or shape in shapes or NOT_PAGES.search(path.path):
                continue
            shapes.add(shape)
            waiting.append(path.path)


def _judge(page: Page, complaints: list[str]) -> None:
    for scheme in ("light", "dark"):
        page.emulate_media(color_scheme=scheme)
        complaints.extend(f"{scheme}: {line}" for line in serious_violations(page))
    page.set_viewport_size(PHONE)
    complaints.extend(f"phone: {line}" for line in overflow(page))
    page.set_viewport_size(DESKTOP)
