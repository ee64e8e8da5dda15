"""A run whose engine or connection is silent says so, and what happens next."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.stream import board as board_module
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_a_silent_engine_is_named_until_it_answers(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "SILENT_SECONDS", 1.0)
    message = scene.page.locator("[data-message]")
    worker = scene.submit()
    worker.stream(" one")
    scene.expect_state("running")

    expect(message).to_contain_text("The engine has not answered for")
    expect(message).to_contain_text("it is restarted, and the run continues by itself.")
    monkeypatch.setattr(board_module, "SILENT_SECONDS", 60.0)
    worker.stream(" two")
    expect(message).to_have_text("")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")


def test_a_silent_connection_is_named(scene: Scene) -> None:
    """The server sends nothing more, and does not close the connection either."""
    scene.page.clock.install()
    worker = scene.submit()
    worker.stream(" one")
    scene.expect_document(f"{PROMPT} one")

    scene.page.clock.run_for(14_000)

    expect(scene.page.locator("[data-message]")).to_contain_text("Nothing has come from Gatehouse")
    worker.stream(" two")
    expect(scene.page.locator("[data-message]")).to_have_text("")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
