"""The playground in windows of every size: what is in sight without scrolling."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import PHONE, judge, open_page
from tests.factories.jobs import FakeWorker
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

COMMON = [
    "model", "max_tokens", "temperature", "top_p", "top_k", "presence_penalty",
    "frequency_penalty", "stop", "seed", "logprobs",
]  # fmt: skip

FOCUSED = "document.activeElement.closest('dialog, body').localName"


def open_phone(scene: Scene, browser: Browser, **options: Any) -> Page:
    context = browser.new_context(viewport=PHONE, has_touch=True, is_mobile=True, **options)
    context.add_cookies(scene.page.context.cookies())  # type: ignore[arg-type]
    page = open_page(context, [])
    page.goto(f"{scene.site}/playground/")
    return page


@pytest.fixture
def phone(scene: Scene, browser: Browser) -> Iterator[Scene]:
    page = open_phone(scene, browser)
    yield replace(scene, page=page)
    page.context.close()


def find_box(page: Page, selector: str) -> dict[str, float]:
    box = page.locator(selector).bounding_box()
    assert box is not None, selector
    return {"top": box["y"], "bottom": box["y"] + box["height"]}


@pytest.mark.parametrize(("width", "height"), [(1280, 800), (1440, 900), (1920, 1080)])
def test_common_parameters_and_the_button_are_in_sight(
    scene: Scene, width: int, height: int
) -> None:
    scene.page.set_viewport_size({"width": width, "height": height})
    fields = [f"[data-parameters] [name={name}]" for name in COMMON]

    for selector in [*fields, "[data-run-button]"]:
        assert 0 < find_box(scene.page, selector)["bottom"] <= height, selector
    expect(scene.page.locator("[data-parameters-open]")).to_be_hidden()
    main, parameters = (
        scene.page.locator(selector).bounding_box() or {"x": 0, "width": 0}
        for selector in (".workbench__main", ".parameters")
    )
    margin = (width - min(width, 110 * 16)) / 2 + 24
    assert (main["x"], width - parameters["x"] - parameters["width"]) == (margin, margin)


def test_on_a_phone_the_editor_begins_in_the_upper_third(phone: Scene) -> None:
    third = PHONE["height"] / 3

    assert find_box(phone.page, "textarea[name=prompt]")["top"] <= third
    assert find_box(phone.page, "[data-run-button]")["bottom"] <= PHONE["height"]
    worker = phone.submit()
    worker.stream(" one")
    record_outcome(worker.outcome(worker.end()))
    phone.expect_state("succeeded")
    phone.page.reload()
    phone.expect_state("succeeded")
    assert find_box(phone.page, "textarea[name=prompt]")["top"] <= third


def test_on_a_phone_parameters_are_a_sheet_from_below(phone: Scene) -> None:
    button = phone.page.locator("[data-parameters-open]")
    sheet = phone.page.get_by_role("dialog", name="Parameters")
    expect(phone.page.locator("[name=temperature]")).to_be_hidden()
    phone.page.fill("textarea[name=prompt]", PROMPT)

    button.tap()
    expect(sheet).to_be_visible()
    assert judge(phone.page) == []
    assert find_box(phone.page, "[data-parameters-dialog]")["bottom"] == PHONE["height"]
    for _ in range(30):
        phone.page.keyboard.press("Tab")
        # Between the last and the first field the browser's own controls have their turn.
        assert phone.page.evaluate(FOCUSED) in ("dialog", "body")
    phone.page.fill("[name=temperature]", "0.25")
    phone.page.get_by_role("button", name="Done").tap()
    expect(sheet).to_be_hidden()
    expect(button).to_be_focused()
    phone.page.locator("[data-run-button]").tap()

    phone.expect_state("queued")
    job = GenerationJob.objects.get()
    assert (job.prompt, job.params["temperature"]) == (PROMPT, 0.25)
    worker = FakeWorker(phone.valkey, job.pk)
    worker.start()
    button.tap()
    phone.page.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    worker.stream(" one")
    record_outcome(worker.outcome(worker.end()))
    phone.expect_state("succeeded")


def test_on_a_phone_an_error_in_a_parameter_opens_the_sheet(phone: Scene) -> None:
    phone.page.fill("textarea[name=prompt]", PROMPT)
    phone.page.locator("[data-parameters-open]").tap()
    phone.page.fill("[name=temperature]", "9")
    phone.page.get_by_role("button", name="Done").tap()
    phone.page.locator("[data-run-button]").tap()

    expect(phone.page.get_by_text("Temperature is between 0 and 2.")).to_be_visible()
    expect(phone.page.locator("[name=temperature]")).to_be_focused()


def test_a_sheet_that_is_open_while_the_window_widens_gives_the_parameters_back(
    phone: Scene,
) -> None:
    phone.page.locator("[data-parameters-open]").tap()
    phone.page.set_viewport_size({"width": 1280, "height": 800})
    phone.page.get_by_role("button", name="Done").tap()

    expect(phone.page.locator("[data-parameters] [name=temperature]")).to_be_visible()


def test_on_a_phone_without_scripts_parameters_are_below(scene: Scene, browser: Browser) -> None:
    page = open_phone(scene, browser, java_script_enabled=False)
    expect(page.locator("[data-parameters-open]")).to_be_hidden()
    assert find_box(page, "[data-runbar]")["bottom"] < find_box(page, ".parameters")["top"]

    page.locator(".parameters__summary").tap()
    page.fill("[name=temperature]", "0.25")
    page.fill("textarea[name=prompt]", PROMPT)
    page.locator("[data-run-button]").tap()
    page.wait_for_url("**/runs/*/")

    assert GenerationJob.objects.get().params["temperature"] == 0.25
    page.context.close()
