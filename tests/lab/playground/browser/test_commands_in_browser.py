"""The palette of commands and the list of keys, by keyboard."""

from __future__ import annotations

import pytest
from playwright.sync_api import Locator, Page, expect

from portal.lab.jobs.domain.lifecycle import record_outcome
from tests.e2e.browser import judge
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_palette(page: Page) -> Locator:
    page.keyboard.press("Control+k")
    palette = page.get_by_role("dialog", name="Commands")
    expect(palette).to_be_visible()
    return palette


def names(palette: Locator) -> list[str]:
    return [text.split("\n")[0].strip() for text in palette.get_by_role("option").all_inner_texts()]


def test_the_palette_has_what_can_be_done_now(scene: Scene) -> None:
    page = scene.page
    expect(page.get_by_text("at most 1 token")).to_be_visible()
    palette = open_palette(page)

    assert names(palette)[:2] == ["Run", "Score the text"]
    assert {
        "Run", "Score the text", "Colour by entropy", "Go to the prompt", "Go to the parameters",
        "Go to the tokens", "View code", "Reset all parameters", "Example: a fact",
    } <= set(names(palette))  # fmt: skip
    assert not {"Stop", "New document", "Clear the document"} & set(names(palette))
    assert judge(page) == []


def test_a_command_is_found_by_its_words_and_given_by_enter(scene: Scene) -> None:
    page = scene.page
    page.fill("textarea[name=prompt]", PROMPT)
    palette = open_palette(page)
    field = palette.get_by_role("combobox")
    page.keyboard.type("by COL")
    found = names(palette)
    assert len(found) == 4
    assert {name.split()[0] for name in found} == {"Colour"}
    page.keyboard.press("ArrowUp")
    chosen = palette.get_by_role("option", selected=True)
    expect(chosen).to_have_text(found[-1])
    expect(field).to_have_attribute("aria-activedescendant", chosen.get_attribute("id") or "")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")

    expect(palette).to_be_hidden()
    expect(page.get_by_role("button", name=found[0].split()[-1])).to_have_attribute(
        "aria-pressed", "true"
    )
    expect(page.locator("textarea[name=prompt]")).to_be_focused()
    open_palette(page)
    page.keyboard.type("zzz")
    expect(palette.get_by_role("status")).to_have_text("No command has these words.")
    page.keyboard.press("Enter")
    expect(palette).to_be_visible()
    assert judge(page) == []


def test_commands_move_the_focus(scene: Scene) -> None:
    page = scene.page
    for words, selector in (
        ("go param", "[name=model]"),
        ("go token", "[data-token-panel]"),
        ("go prompt", "textarea[name=prompt]"),
    ):
        open_palette(page)
        page.keyboard.type(words)
        page.keyboard.press("Enter")
        expect(page.locator(selector)).to_be_focused()


def test_a_run_is_started_from_the_palette_and_escape_only_closes_it(scene: Scene) -> None:
    page = scene.page
    worker = scene.submit()
    worker.stream(" one")
    scene.expect_state("running")

    palette = open_palette(page)
    assert "Stop" in names(palette)
    page.keyboard.press("Escape")
    expect(palette).to_be_hidden()
    page.locator("[data-run-button]").focus()
    page.keyboard.press("?")
    keys = page.get_by_role("dialog", name="Keys")
    expect(keys).to_be_visible()
    page.keyboard.press("Escape")
    expect(keys).to_be_hidden()
    scene.expect_state("running")

    open_palette(page)
    page.keyboard.type("stop")
    page.keyboard.press("Enter")
    scene.expect_state("stopping")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")


def test_the_list_of_keys_is_the_buttons_own(scene: Scene) -> None:
    page = scene.page
    page.locator("textarea[name=prompt]").focus()
    page.keyboard.type("Why?")
    scene.expect_document("Why?")
    page.get_by_role("button", name="Keys").click()
    keys = page.get_by_role("dialog", name="Keys")

    rows = dict(text.split("\t") for text in keys.get_by_role("row").all_inner_texts())
    assert rows["Run"] == "CtrlEnter"
    assert rows["Undo"] == "CtrlZ"
    assert rows["All commands"] == "CtrlK"
    assert rows["Keys"] == "?"
    assert judge(page) == []
    keys.get_by_role("button", name="All commands").click()
    expect(page.get_by_role("dialog", name="Commands")).to_be_visible()
