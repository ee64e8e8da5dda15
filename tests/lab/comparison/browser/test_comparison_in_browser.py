"""Runs side by side and ladders in a real browser: streamed, replaced, scrolled, drawn."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.test import Client
from playwright.sync_api import Browser, Page, expect

from inference_workers.contract import Delta, TokenLogprobs
from portal.lab.jobs.domain.lifecycle import record_outcome, record_started
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import PHONE, judge, open_page
from tests.factories.jobs import FakeWorker
from tests.lab.api.conftest import ids_of
from tests.lab.comparison.conftest import Bench, address
from tests.lab.comparison.test_ladder import TEXT, measure

IS_PAINTED = """
canvas => canvas.width === canvas.closest("[data-chart]").clientWidth * devicePixelRatio
  && canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)
"""
pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(site: str, browser: Browser, bench: Bench, client: Client) -> Iterator[Page]:
    context = browser.new_context(base_url=site)
    key = client.session.session_key or ""
    context.add_cookies([{"name": "sessionid", "value": key, "url": site}])
    complaints: list[str] = []
    yield open_page(context, complaints)
    context.close()
    assert complaints == []


def start(bench: Bench, job: GenerationJob) -> FakeWorker:
    worker = FakeWorker(bench.valkey, job.pk)
    worker.start()
    record_started([worker.started_message()])
    return worker


def write(worker: FakeWorker, text: str) -> None:
    """One token of the small model for each byte."""
    for token, letter in zip(ids_of(text), text, strict=True):
        worker.write(Delta(offset=len(worker.token_ids), text=letter, token_ids=(token,)))
        worker.text += letter
        worker.token_ids.append(token)


def finish(worker: FakeWorker, *, logprob: float) -> None:
    entries = tuple(TokenLogprobs(token, logprob, 1) for token in worker.token_ids)
    record_outcome(worker.outcome(worker.end()).model_copy(update={"logprobs": entries}))


def test_runs_stream_into_their_columns_and_figures_follow(bench: Bench, page: Page) -> None:
    jobs = [bench.run(succeeded=False, token_ids=[]) for _ in range(2)]
    page.goto(address(*jobs))
    one, two = (start(bench, job) for job in jobs)
    texts = page.locator("[data-text]")

    write(one, " <b>one")
    write(two, " <b>ore")
    expect(texts).to_have_text([" <b>one", " <b>ore"])
    finish(one, logprob=-1.0)
    expect(page.locator(".chip")).to_have_text(["Finished", "Running"])
    write(two, "s")
    finish(two, logprob=-0.5)

    expect(page.locator("mark.differs:not(p mark)")).to_have_text(["r", "s"])
    expect(texts).to_have_text([" <b>one", " <b>ores"])
    expect(page.locator(".column__facts div:nth-child(4) dd")).to_have_text(["-1.0000", "-0.5000"])
    expect(page.get_by_role("heading", name="Spread of the 2 completions")).to_be_visible()
    expect(page.get_by_role("button", name="Stop all")).to_have_count(0)
    assert judge(page) == []


def test_columns_scroll_together_until_that_is_switched_off(bench: Bench, page: Page) -> None:
    long, short = bench.run(" a\n" * 200), bench.run(" a\n" * 60)
    page.goto(address(long, short))
    texts = page.locator("[data-text]")

    def scroll(to: int) -> int:
        texts.nth(0).evaluate("(element, to) => { element.scrollTop = to; }", to)
        page.wait_for_timeout(100)
        return int(texts.nth(0).evaluate("(element) => element.scrollTop"))

    assert scroll(120) == 120
    assert texts.nth(1).evaluate("(element) => element.scrollTop") == 120
    # The shorter column stops at its end and does not pull the longer one back.
    assert scroll(3000) == 3000
    page.get_by_role("button", name="Scroll together").click()
    end = texts.nth(1).evaluate("(element) => element.scrollTop")
    scroll(0)
    assert texts.nth(1).evaluate("(element) => element.scrollTop") == end > 120
    page.set_viewport_size(PHONE)
    expect(page.get_by_role("button", name="Scroll together")).to_be_hidden()


def test_a_new_comparison_is_filled_in_and_run(bench: Bench, page: Page) -> None:
    page.goto("/playground/compare/")
    assert judge(page) == []
    page.get_by_label("Prompt").fill("Once")
    page.get_by_role("group", name="Column 2").get_by_label("Temperature").fill("0.1")

    page.get_by_role("button", name="Run all columns").click()

    expect(page.get_by_role("heading", name="Prompt of all columns")).to_be_visible()
    expect(page.locator(".column__title")).to_have_text(["1 Small", "2 Large"])
    parameters = page.locator(".column__parameters dd")
    expect(parameters).to_have_text(["0.7", "0.1"])


def ask(page: Page, prompt: str, *candidates: str) -> None:
    """Submit a ladder, and wait for its page."""
    page.goto("/playground/ladder/")
    page.get_by_label("Prompt, or the context of the candidates").fill(prompt)
    page.get_by_label("Candidate continuations").fill("\n".join(candidates))
    page.get_by_role("button", name="Measure on every model").click()
    page.wait_for_url("**/ladder/?runs=*")


def test_a_ladder_is_drawn_once_it_is_measured(bench: Bench, page: Page) -> None:
    ask(page, "abab")
    expect(page.get_by_text("0 of 2 runs have ended.")).to_be_visible()

    for job in GenerationJob.objects.all():
        start(bench, job).end()
    measure(TEXT)

    expect(page.locator("td:nth-child(4)")).to_have_text(["2.1640", "2.1640"])
    expect(page.locator("[data-chart] canvas")).to_have_count(2)
    assert judge(page) == []


def test_candidates_have_a_mark_each(bench: Bench, page: Page) -> None:
    ask(page, "x", " a", " bb", " ab")
    measure(TEXT)

    page.reload()

    legend = page.locator("[data-chart=sums] .ladder-chart__legend li")
    expect(legend).to_have_text(["● ·a", "■ ·bb", "▲ ·ab"])
    assert judge(page) == []


def test_a_ladder_stays_drawn_in_another_width_and_theme(bench: Bench, page: Page) -> None:
    ask(page, "abab")
    measure(TEXT)
    page.reload()

    wait_until_painted(page)
    page.set_viewport_size({"width": 700, "height": 800})
    wait_until_painted(page)
    page.emulate_media(color_scheme="dark")
    wait_until_painted(page)


def wait_until_painted(page: Page) -> None:
    """Fails if the first chart stays empty, or as wide as it was before."""
    for _ in range(20):
        page.wait_for_timeout(50)
        if page.locator("[data-chart] canvas").first.evaluate(IS_PAINTED):
            return
    pytest.fail("the chart is empty")
