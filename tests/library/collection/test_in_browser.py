"""The library in a browser, without JavaScript: from the list to a file, and by the search."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.e2e.browser import DESKTOP, judge, open_page
from tests.factories.logbook import EntryFactory, RunFactory
from tests.factories.repositories import NOTES, make_notes, make_repository
from tests.factories.weights import make_revision
from tests.lab.playground.browser.conftest import browser, site

__all__ = ["browser", "site"]
pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("valkey"),
]


@pytest.fixture
def page(browser: Browser, site: str) -> Iterator[Page]:
    complaints: list[str] = []
    context = browser.new_context(base_url=site, viewport=DESKTOP, java_script_enabled=False)
    yield open_page(context, complaints)
    context.close()
    assert complaints == []


def test_a_reader_finds_a_file_by_the_list_and_by_the_search(page: Page) -> None:
    release = make_revision().repository.model.release
    make_notes(repository=make_repository(release))
    EntryFactory.create(run=RunFactory.create(release=release), title="Fell", body="The loss fell.")

    page.goto("/")
    page.get_by_role("navigation", name="Site").get_by_role("link", name="Library").click()
    page.get_by_role("link", name="Family notes").click()
    expect(page).to_have_url("/library/family/notes/v1/")
    page.get_by_role("link", name="the steps").click()
    expect(page).to_have_url("/library/family/notes/v1/steps/one.md")
    expect(page.get_by_text("Step one.")).to_be_visible()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.path().read_bytes() == b"Step one.\n"

    page.get_by_role("link", name="Library", exact=True).first.click()
    page.get_by_role("searchbox").fill("losses")
    page.get_by_role("button", name="Search").click()
    expect(page.locator("mark")).to_have_text(["loss", "loss", "loss"])
    page.get_by_role("link", name="Fell").click()
    expect(page.get_by_role("heading", name="Fell")).to_be_visible()


def test_the_pages_fit_every_window_and_theme(browser: Browser, site: str) -> None:
    notes = make_notes({**NOTES, "long.md": b"loss https://example.org/" + b"x" * 200})
    code = make_repository(
        notes.repository.release, slug="code", kind="code", audience="licence_holders"
    )
    make_notes({"a.py": b"x = 1\n"}, repository=code)
    context = browser.new_context(base_url=site, viewport=DESKTOP)
    page = open_page(context, faults := [])
    for path in ("", "family/notes/v1/", "family/notes/v1/table.csv", "family/code/v1/a.py"):
        page.goto(f"/library/{path}")
        faults += judge(page)
    page.goto("/library/search/?words=loss")
    faults += judge(page)
    context.close()

    assert faults == []
