"""A conversation in a real browser: written, run, reloaded, forgotten."""

from __future__ import annotations

import time

import pytest
from playwright.sync_api import Locator, expect

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    ChatTemplate,
    cancel_key,
    chat_template_key,
)
from portal.lab.jobs.domain.lifecycle import record_outcome, record_started
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import judge
from tests.factories.jobs import FakeWorker
from tests.lab.chat.talking import TEMPLATE
from tests.lab.playground.browser.conftest import SECONDS, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
CHAT = "/playground/chat/"


@pytest.fixture
def talk(scene: Scene) -> Scene:
    """The scene at the chat, with a template."""
    made = ChatTemplate(template=TEMPLATE, bos_token="^", eos_token="$")
    scene.valkey.set(chat_template_key(scene.model.deployment), made.model_dump_json())
    scene.page.goto(scene.site + CHAT)
    return scene


def texts(scene: Scene) -> Locator:
    return scene.page.locator("[data-turns] textarea")


def expect_texts(scene: Scene, *expected: str) -> None:
    expect(texts(scene)).to_have_count(len(expected))
    for place, text in enumerate(expected):
        expect(texts(scene).nth(place)).to_have_value(text)


def run(scene: Scene) -> FakeWorker:
    before = GenerationJob.objects.count()
    scene.page.keyboard.press("Control+Enter")
    give_up_at = time.monotonic() + SECONDS
    while GenerationJob.objects.count() == before:
        assert time.monotonic() < give_up_at
        scene.page.wait_for_timeout(20)
    worker = FakeWorker(scene.valkey, GenerationJob.objects.latest("created_at").pk)
    worker.start()
    record_started([worker.started_message()])
    return worker


def test_the_answer_is_streamed_and_the_conversation_goes_on(talk: Scene) -> None:
    texts(talk).fill("Hi")
    expect(talk.page.locator("[data-prompt]")).to_have_text("^<user>Hi$<assistant>")
    worker = run(talk)
    worker.stream("Hello", " <b>you</b>")
    expect_texts(talk, "Hi", "Hello <b>you</b>")

    talk.page.reload()
    worker.stream("!")
    expect_texts(talk, "Hi", "Hello <b>you</b>!")
    record_outcome(worker.outcome(worker.end()))

    talk.expect_state("succeeded")
    expect_texts(talk, "Hi", "Hello <b>you</b>!", "")
    expect(texts(talk).nth(2)).to_be_focused()
    link = talk.page.locator("[data-fact=run] a")
    expect(link).to_have_attribute("href", f"/playground/runs/{worker.job_id}/")
    talk.page.keyboard.type("Bye")
    run(talk)
    job = GenerationJob.objects.latest("created_at")
    assert job.prompt == "^<user>Hi$<assistant>Hello <b>you</b>!$<user>Bye$<assistant>"
    assert job.params["add_special_tokens"] is False


def test_messages_are_added_sorted_and_removed_in_place(talk: Scene) -> None:
    page = talk.page
    texts(talk).fill("one")
    page.get_by_role("button", name="Add a message").click()
    page.keyboard.type("two")
    page.get_by_role("button", name="Move up").nth(1).click()
    expect_texts(talk, "two", "one")
    expect(page.locator("[data-prompt]")).to_have_text("^<assistant>two$<user>one$<assistant>")
    page.get_by_role("button", name="Remove").nth(0).click()
    expect_texts(talk, "one")

    page.get_by_role("button", name="Add a message").click()
    page.keyboard.press("Control+Enter")
    error = page.locator("[data-error=messages]")
    expect(error).to_have_text("Message 2 is empty. Write it, or remove it.")
    page.goto(f"{talk.site}/models/")
    page.goto(talk.site + CHAT)
    expect_texts(talk, "one", "")


def test_escape_stops_the_answer(talk: Scene) -> None:
    texts(talk).fill("Hi")
    worker = run(talk)
    worker.stream("Hello")
    expect_texts(talk, "Hi", "Hello")
    talk.page.keyboard.press("Escape")
    while not talk.valkey.exists(cancel_key(worker.job_id)):
        talk.page.wait_for_timeout(20)
    record_outcome(worker.outcome(worker.end(Cancelled(reason=CancelReason.USER, freed_ms=12))))

    talk.expect_state("cancelled")
    expect_texts(talk, "Hi", "Hello")
    expect(texts(talk).nth(1)).to_be_editable()


def test_signing_out_forgets_the_conversation(talk: Scene) -> None:
    page = talk.page
    texts(talk).fill("Nobody else's business")
    page.wait_for_function("() => Object.keys(localStorage).length > 0")
    page.locator(".account-menu > summary").click()
    page.get_by_role("button", name="Sign out").click()
    page.get_by_role("link", name="Sign in").wait_for()

    kept = page.evaluate("() => JSON.stringify([{...localStorage}, {...sessionStorage}])")
    assert "business" not in kept


def test_the_page_is_accessible_and_fits(talk: Scene) -> None:
    texts(talk).fill("Hi " * 200)
    talk.page.get_by_role("button", name="Add a message").click()

    assert judge(talk.page, "chat") == []
