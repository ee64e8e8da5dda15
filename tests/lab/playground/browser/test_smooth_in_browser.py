"""A stream neither moves the page about nor lays its text out more than once a frame."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import CDPSession

from inference_workers.contract import Delta, TokenLogprobs, tokenizer_key
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.tokens import forget_tokenizers
from tests.factories.jobs import FakeWorker
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.playground.browser.conftest import PROMPT, Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
TEXT = "abcd abcd " * 40
MOST_SHIFT = 0.02
WATCH = """
window.shifts = [];
new PerformanceObserver((list) => {
  for (const { value, hadRecentInput, sources } of list.getEntries())
    if (!hadRecentInput) shifts.push([value, sources.map(({ node }) => node?.className)]);
}).observe({ type: "layout-shift", buffered: true });
"""


@pytest.fixture(autouse=True)
def _tokenizer(scene: Scene, valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    valkey.set(tokenizer_key(scene.model.deployment), TOKENIZER.to_str())
    yield
    forget_tokenizers()


def write(worker: FakeWorker, text: str) -> None:
    """Each character as a token with its log-probabilities, all at once."""
    for token in ids_of(text):
        character = TOKENIZER.decode([token])
        entry = TokenLogprobs(token, -0.7, 1, ((token, -0.7), (ids_of("x")[0], -1.5)))
        offset = len(worker.token_ids)
        worker.write(Delta(offset=offset, text=character, token_ids=(token,), logprobs=(entry,)))
        worker.text += character
        worker.token_ids.append(token)


def count_layouts(devtools: CDPSession) -> int:
    metrics = devtools.send("Performance.getMetrics")["metrics"]
    return next(int(one["value"]) for one in metrics if one["name"] == "LayoutCount")


def test_tokens_that_come_together_are_laid_out_together(scene: Scene) -> None:
    worker = scene.submit()
    worker.stream(" and")
    scene.expect_document(f"{PROMPT} and")
    devtools = scene.page.context.new_cdp_session(scene.page)
    devtools.send("Performance.enable")
    before = count_layouts(devtools)
    worker.stream(*["on"] * 300)
    scene.page.wait_for_function(
        "(length) => document.querySelector('textarea[name=prompt]').value.length >= length",
        arg=len(PROMPT) + 604,
    )

    assert count_layouts(devtools) - before < 60
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")


@pytest.mark.parametrize(("width", "height"), [(390, 844), (1280, 800), (1920, 1080)])
def test_a_run_moves_nothing_about(scene: Scene, width: int, height: int) -> None:
    scene.page.set_viewport_size({"width": width, "height": height})
    scene.page.add_init_script(WATCH)
    scene.open()
    scene.page.get_by_role("button", name="Surprisal").click()
    worker = scene.submit()
    scene.page.wait_for_timeout(600)
    for begin in range(0, len(TEXT), 40):
        write(worker, TEXT[begin : begin + 40])
        scene.page.wait_for_timeout(60)
    record_outcome(worker.outcome(worker.end()))
    scene.expect_state("succeeded")
    scene.page.wait_for_timeout(600)

    shifts = scene.page.evaluate("shifts")
    assert sum(value for value, _ in shifts) < MOST_SHIFT, "\n".join(map(str, shifts))
