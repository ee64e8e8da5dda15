"""Follows every link of the site as each kind of person, and judges each page it finds."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import pytest
from playwright.sync_api import Page

from tests.e2e.browser import DESKTOP, judge, launched_browser, open_page
from tests.e2e.stack import DemoStack, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.engine]

IDENTIFIERS = re.compile(
    r"[0-9a-f]{8}-[0-9a-f-]{27}|\d{4}-\d\d-\d\d-[a-z-]+|GH-[\d-]+"
    r"|[0-9A-Z]{4}(?:-[0-9A-Z]{4}){3}|\d+"
)
NOT_PAGES = re.compile(
    r"/logout/|/text/?$|/pdf/$|/static/|/admin/|/download|/v1/|/export/|/everything/"
    r"|/library/files/|/hub/|\.(?:csv|json|atom|bib|cff|parquet)(?:\?|$)"
)
# The demo's mailbox is open to all; the links in a message are for its recipient.
SOMEBODYS_MAIL = re.compile(r"/demo/mail/\d+/")
ROLES = (None, "applicant", "researcher", "reviewer", "operator", "auditor")


@dataclass(frozen=True)
class Walk:
    """The pages that a role visited, and what is wrong with them."""

    visited: list[str]
    complaints: list[str]


@pytest.fixture(scope="module")
def walks(demo_stack: DemoStack) -> Iterator[dict[str | None, Future[Walk]]]:
    """One walk on each core: a walk alone leaves the others idle."""
    judged: set[tuple[str, str]] = set()
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {role: pool.submit(_walk, demo_stack, role, judged) for role in ROLES}


@pytest.mark.parametrize("role", ROLES)
def test_pages_open_to_a_role_are_accessible_and_fit(
    walks: dict[str | None, Future[Walk]], role: str | None
) -> None:
    walk = walks[role].result()

    assert "\n".join(walk.complaints) == ""
    assert len(walk.visited) >= 10


def _walk(stack: DemoStack, role: str | None, judged: set[tuple[str, str]]) -> Walk:
    complaints: list[str] = []
    with (
        launched_browser() as browser,
        browser.new_context(viewport=DESKTOP, base_url=stack.url) as context,
    ):
        page = open_page(context, complaints)
        if role is not None:
            sign_in(page, stack.account(role))
        return Walk(list(_crawl(page, stack.url, complaints, judged)), complaints)


def _crawl(
    page: Page, origin: str, complaints: list[str], judged: set[tuple[str, str]]
) -> Iterator[str]:
    waiting, shapes = ["/"], {"/"}
    while waiting:
        address = waiting.pop(0)
        response = page.goto(address)
        assert response is not None
        if response.status != 200:
            complaints.append(f"{address}: answered {response.status}")
            continue
        yield address
        # A page that another role saw in the same words is not judged again.
        content = address, page.inner_text("main")
        if content not in judged:
            judged.add(content)
            complaints += judge(page)
        if SOMEBODYS_MAIL.match(address):
            continue
        for link in page.eval_on_selector_all("a[href]", "links => links.map(a => a.href)"):
            path = urlsplit(urljoin(page.url, link))
            shape = IDENTIFIERS.sub("#", path.path)
            if not link.startswith(origin) or shape in shapes or NOT_PAGES.search(path.path):
                continue
            shapes.add(shape)
            waiting.append(path.path)
