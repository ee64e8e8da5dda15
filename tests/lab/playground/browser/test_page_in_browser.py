"""The playground in a real browser: one document, streamed, stopped, reloaded, kept."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from inference_workers.contract import Cancelled, CancelReason, cancel_key
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import PHONE, judge, serious_violations
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def test_the_completion_is_tinted_text_in_the_same_document(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" there", " <img src=x onerror=alert(1)>")
    scene.expect_document(f"{PROMPT} there <img src=x onerror=alert(1)>")
    record_outcome(worker.outcome(worker.end()))

    scene.expect_state("succeeded")
    assert scene.tinted == [" there <img src=x onerror=alert(1)>"]
    assert scene.page.locator("[data-tint] img").count() == 0
    assert scene.page.url == f"{scene.site}/playground/runs/{worker.job_id}/"
    assert scene.page.locator("[data-fact=tokens] dd").text_content() == "3 in, 2 out"


def test_reloading_in_the_middle_goes_on_without_gap_or_repetition(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one", " two")
    scene.expect_document(f"{PROMPT} one two")

    scene.page.reload()
    worker.stream(" three")
    scene.expect_document(f"{PROMPT} one two three")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")

    scene.page.reload()
    scene.expect_document(f"{PROMPT} one two three")
    assert scene.tinted == [" one two three"]


def test_the_count_of_the_context_follows_the_run(scene: Scene) -> None:
    count = scene.page.locator("[data-count-text]")
    worker = scene.submit()
    worker.stream(" one", " two")
    expect(count).to_have_text("5 tokens of 2,048")
    worker.stream(" three")
    expect(count).to_have_text("6 tokens of 2,048")
    scene.page.reload()
    worker.stream(" four")
    expect(count).to_have_text("7 tokens of 2,048")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")


def test_escape_stops_and_says_when_the_engine_was_free(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one")
    scene.expect_state("running")

    scene.page.keyboard.press("Escape")
    scene.expect_state("stopping")
    while not scene.valkey.exists(cancel_key(worker.job_id)):
        scene.page.wait_for_timeout(20)
    record_outcome(worker.outcome(worker.end(Cancelled(reason=CancelReason.USER, freed_ms=12))))

    scene.expect_state("cancelled")
    sentence = "Stopped. The engine was freed after 12 ms."
    assert scene.page.locator("[data-chip]").text_content() == sentence
    assert scene.page.locator("[role=status][data-announce]").text_content() == sentence


def test_what_was_typed_survives_leaving_and_coming_back(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", "A draft that nobody ran")
    scene.page.fill("[name=temperature]", "0.333")

    scene.page.goto(f"{scene.site}/playground/history/")
    scene.open()

    scene.expect_document("A draft that nobody ran")
    assert scene.page.locator("[name=temperature]").input_value() == "0.333"


def test_a_refusal_stands_beside_its_field_and_keeps_the_document(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", PROMPT)
    scene.page.fill("[name=temperature]", "9")
    scene.page.keyboard.press("Control+Enter")

    error = scene.page.locator("[data-error=temperature]")
    expect(error).to_have_text("Temperature is between 0 and 2.")
    field = scene.page.locator("[name=temperature]")
    expect(field).to_be_focused()
    expect(field).to_have_attribute("aria-invalid", "true")
    assert (scene.document, GenerationJob.objects.count()) == (PROMPT, 0)


def test_a_session_that_ended_is_named_and_loses_nothing(scene: Scene) -> None:
    scene.page.context.clear_cookies(name="sessionid")
    scene.page.fill("textarea[name=prompt]", PROMPT)
    scene.page.keyboard.press("Control+Enter")

    link = scene.page.locator("[data-notices] a")
    expect(link).to_have_attribute("href", "/account/login/?next=%2Fplayground%2F")
    assert scene.document == PROMPT


def test_the_completion_can_be_edited_continued_and_taken_out(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one two")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    scene.page.locator("textarea[name=prompt]").press("Home")
    scene.page.keyboard.type("So: ")
    assert scene.tinted == [" one two"]

    worker = scene.submit(scene.document)
    assert GenerationJob.objects.get(pk=worker.job_id).prompt == f"So: {PROMPT} one two"
    worker.stream(" three")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    scene.page.click("[data-undo]")

    scene.expect_document(f"So: {PROMPT} one two")


def test_what_is_changed_after_a_run_is_a_draft_beside_it(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one two")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")

    scene.page.click("[data-undo]")

    scene.expect_document(PROMPT)
    scene.expect_state("idle")
    expect(scene.page.locator("[data-fact=tokens]")).to_be_hidden()
    assert scene.page.url == f"{scene.site}/playground/"
    assert scene.page.title() == "Playground · Gatehouse"
    scene.open(f"/playground/runs/{worker.job_id}/")
    scene.expect_document(f"{PROMPT} one two")
    assert scene.tinted == [" one two"]
    expect(scene.page.locator("[data-fact=tokens] dd")).to_have_text("3 in, 1 out")
    scene.page.get_by_role("link", name="Open the draft").click()
    scene.expect_document(PROMPT)


def test_looking_at_a_run_leaves_the_draft_as_it_is(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" one")
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    scene.page.fill("textarea[name=prompt]", "Something else altogether")

    scene.open(f"/playground/runs/{worker.job_id}/")
    scene.expect_document(f"{PROMPT} one")
    scene.open()

    scene.expect_document("Something else altogether")


def test_tabs_keep_their_own_drafts(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", "The first tab's")
    second = scene.page.context.new_page()
    second.goto(f"{scene.site}/playground/")
    second.fill("textarea[name=prompt]", "The second tab's")
    second.close()

    scene.page.reload()

    scene.expect_document("The first tab's")


A_DRAFT_IS_KEPT = "() => localStorage.length > 0"
"""A function: the content security policy refuses a string after the first poll."""
KEPT = """() => [localStorage, sessionStorage].flatMap((storage) =>
  Object.keys(storage).filter((name) => name.startsWith("gatehouse.")))"""


def test_signing_out_erases_the_draft_in_every_tab(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", "Nobody else's business")
    second = scene.page.context.new_page()
    second.goto(f"{scene.site}/models/")
    second.wait_for_function(A_DRAFT_IS_KEPT)

    second.locator(".account-menu > summary").click()
    second.get_by_role("button", name="Sign out").click()
    second.get_by_role("link", name="Sign in").wait_for()

    assert second.evaluate(KEPT) == []
    scene.page.goto(f"{scene.site}/models/")
    assert scene.page.evaluate(KEPT) == []


def test_a_sign_out_without_scripts_has_the_browser_erase(scene: Scene) -> None:
    """Only with the header: the form's script is kept from running."""
    scene.page.fill("textarea[name=prompt]", "Nobody else's business")
    second = scene.page.context.new_page()
    second.goto(f"{scene.site}/account/logout/")
    second.wait_for_function(A_DRAFT_IS_KEPT)
    scene.page.close()
    second.evaluate("document.querySelector('main form').submit()")
    second.get_by_role("link", name="Sign in").wait_for()

    assert second.evaluate("Object.keys(localStorage)") == []


def test_tokens_are_not_read_aloud_one_by_one(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(*["", "a", "b", "c", "d", "e", "f"][1:])
    scene.expect_document(f"{PROMPT}abcdef")

    announcement = scene.page.locator("[data-announce]")
    expect(announcement).to_have_text("Started.")
    assert scene.page.locator("textarea[name=prompt]").get_attribute("aria-live") is None
    record_outcome(worker.outcome(worker.end()))
    expect(announcement).to_have_text(
        "Finished, 6 tokens. The model stopped by itself, or at a stop sequence."
    )


def test_the_page_is_accessible_and_fits(scene: Scene) -> None:
    scene.open()
    worker = scene.submit("A prompt that ends with a blank ")
    worker.stream(" one")
    scene.expect_state("running")

    assert judge(scene.page) == []
    scene.page.set_viewport_size(PHONE)
    assert serious_violations(scene.page) == []
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    assert judge(scene.page) == []


def test_a_closed_stream_drops_the_messages_that_wait_in_it(scene: Scene) -> None:
    read = scene.page.evaluate("""async () => {
      const { EventStream } = await import("/static/js/lab/playground/stream.js");
      const body = "id: 1\\ndata: 1\\n\\nid: 2\\ndata: 2\\n\\n";
      const stream = new EventStream(new Response(body), new AbortController());
      const first = await stream.next();
      stream.close();
      return [first.id, await stream.next().catch((error) => error.name)];
    }""")

    assert read == ["1", "AbortError"]
