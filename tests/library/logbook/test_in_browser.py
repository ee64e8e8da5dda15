"""A reader in a real browser: curves are drawn, dragged over, and zoomed to an entry."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.management import call_command
from playwright.sync_api import Browser, Locator, Page, expect

from portal.library.logbook.enums import EntryKind
from tests.e2e.browser import judge, open_page
from tests.factories.logbook import EntryFactory, RunFactory, make_series, moment
from tests.lab.playground.browser.conftest import browser, site

__all__ = ["browser", "site"]

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def address(site: str) -> str:
    """The page of a run that was restarted from step 600, with a spike at step 800."""
    first = RunFactory.create(name="First run", ended_at=moment(900), end_reason="a spike")
    run = RunFactory.create(
        name="Second run",
        release=first.release,
        parent=first,
        from_step=600,
        started_at=moment(950),
    )
    make_series(first, "loss", [10 - n / 200 for n in range(800)] + [60] + [9] * 99)
    make_series(run, "loss", [7 - n / 500 for n in range(2000)], first_step=601)
    EntryFactory.create(run=first, slug="launch", title="It starts", kind=EntryKind.LAUNCH)
    EntryFactory.create(
        run=run,
        slug="warm",
        title="The learning rate is lowered",
        step=1200,
        kind=EntryKind.LEARNING_RATE,
    )
    EntryFactory.create(
        run=run, slug="late", title="A host fails", step=2000, kind=EntryKind.HARDWARE
    )
    EntryFactory.create(run=first, slug="spike", title="The loss explodes", step=800)
    return f"{site}/logbook/{run.slug}/"


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    complaints: list[str] = []
    yield open_page(context, complaints)
    context.close()
    assert complaints == []


def titles(page: Page) -> list[str]:
    return page.locator(".logbook-entry__title").all_text_contents()


def drag(page: Page, plot: Locator, start: float, end: float) -> None:
    """Drag from one part of the chart's width to another."""
    box = plot.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + start * box["width"], box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + end * box["width"], box["y"] + 40, steps=4)
    page.mouse.up()


def test_dragging_over_a_curve_shows_the_entries_of_that_range(page: Page, address: str) -> None:
    page.goto(address)
    plot = page.locator("[data-curve=loss] .u-over")
    expect(plot).to_be_visible()
    assert titles(page) == ["It starts", "The learning rate is lowered", "A host fails"]

    # The axis is from step 0 to 2,600: this is about 1,040 to 1,560.
    drag(page, plot, 0.4, 0.6)

    expect(page.locator(".logbook-entry__title")).to_have_text(["The learning rate is lowered"])
    start, end = (int(page.locator(f"[name={name}]").input_value()) for name in ("start", "end"))
    assert 1030 <= start <= 1050
    assert 1550 <= end <= 1570
    expect(plot).to_be_visible()
    page.go_back()
    expect(page.locator(".logbook-entry__title")).to_have_count(3)


def test_a_range_of_time_is_dragged_too(page: Page, address: str) -> None:
    page.goto(f"{address}?x=time")
    plot = page.locator("[data-curve=loss] .u-over")
    expect(plot).to_be_visible()

    drag(page, plot, 0.7, 0.85)

    # The axis is from 0 to 26,000 seconds: this is about 18,200 to 22,100.
    expect(page.locator(".logbook-entry__title")).to_have_text(["A host fails"])
    assert page.locator("[name=start]").input_value().startswith("2026-03-01T05:0")
    assert page.locator("[name=end]").input_value().startswith("2026-03-01T06:0")


def test_an_entry_zooms_the_curve_and_its_link_works_again(page: Page, address: str) -> None:
    page.goto(address)
    expect(page.locator("[data-curve=loss] .u-over")).to_be_visible()

    page.locator("[id$=-late]").get_by_role("link", name="Zoom").click()

    expect(page.locator(".logbook-entry__title")).to_have_text(["A host fails"])
    # Two percent of the axis on each side.
    expect(page.locator("[name=start]")).to_have_value("1948")
    expect(page.locator("[name=end]")).to_have_value("2052")
    expect(page.locator("[data-curve=loss] .u-over")).to_be_visible()
    page.goto(page.url)
    assert titles(page) == ["A host fails"]
    page.get_by_role("link", name="Show everything").first.click()
    expect(page.locator(".logbook-entry__title")).to_have_count(3)
    assert judge(page, "logbook") == []


def test_the_page_works_without_script(browser: Browser, address: str) -> None:
    with browser.new_context(java_script_enabled=False) as context:
        page = context.new_page()
        page.goto(address)
        page.get_by_label("From").fill("1900")
        page.get_by_role("button", name="Show", exact=True).click()

        assert titles(page) == ["A host fails"]
        page.get_by_text("701 values, as a table").click()
        assert page.locator(".logbook-curve tbody tr").count() == 12
        assert page.locator("[data-curve]").is_hidden()


def test_the_pages_of_the_demo_are_accessible(page: Page, site: str) -> None:
    call_command("load_release", verbosity=0)
    call_command("load_logbook", verbosity=0)

    faults = []
    for name, path in (
        ("index", ""),
        ("opt", "opt-175b-12/"),
        ("entry", "opt-175b-11/2021-11-05-lineage-11-begins/"),
    ):
        page.goto(f"{site}/logbook/{path}")
        faults += judge(page, f"logbook-{name}")

    assert faults == []
