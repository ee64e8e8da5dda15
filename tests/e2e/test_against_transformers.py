"""The demo's model through the real launcher, engine, worker and page, against transformers."""

from __future__ import annotations

import asyncio
import json
import urllib.request
from collections.abc import AsyncIterator
from typing import Any

import pytest
from playwright.sync_api import Page, expect
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.config import WorkerSettings
from inference_workers.worker import Worker
from tests.e2e.browser import launched_browser
from tests.e2e.playground import PlaygroundPage
from tests.e2e.stack import DemoStack, sign_in
from tests.inference_workers.conftest import FakePortal
from tests.inference_workers.real_engine import (
    WEIGHTS_DIR,
    ask,
    continue_greedily,
    visible,
)
from tests.inference_workers.scores import (
    largest_difference,
    look_up_with_transformers,
    read_tokenizer,
    score,
)

pytestmark = [pytest.mark.engine]

PROMPTS = ("The capital of France is", "def add(a, b):\n", "Once upon a time, there was")
TOKENS = 24
TEXT = "The capital of France is Paris, and that of Peru is Lima."
MINUS = "\N{MINUS SIGN}"
SMOLLM2 = "smollm2-135m"
WEIGHTS = WEIGHTS_DIR / SMOLLM2


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    return continue_greedily(
        WEIGHTS, [{"prompt": prompt, "max_tokens": TOKENS} for prompt in PROMPTS]
    )


@pytest.fixture
async def worker(
    demo_stack: DemoStack, replies: list[dict[str, Any]], valkey_url: str, portal: FakePortal
) -> AsyncIterator[Worker]:
    """A worker of the tests' own on the demo's engine, which starts while transformers works."""
    demo_stack.wait_until_the_engine_is_ready()
    values = {
        "redis_url": valkey_url,
        "deployment": SMOLLM2,
        "engine_dir": demo_stack.engine_folder,
        "weights_dir": WEIGHTS_DIR,
    }
    settings = WorkerSettings.model_validate(values)
    worker = Worker(settings, settings.load_deployment(), send=portal.send)
    await worker.start()
    yield worker
    await worker.close()


async def test_smollm2_says_what_transformers_says(
    worker: Worker, redis: Redis, replies: list[dict[str, Any]]
) -> None:
    requests = [ask(SMOLLM2, prompt, TOKENS) for prompt in PROMPTS]
    await asyncio.gather(*(worker.run_job(request) for request in requests))

    for request, reply in zip(requests, replies, strict=True):
        history = await read_history(redis, request.job_id)
        assert list(history.token_ids) == reply["token_ids"]
        assert history.text == visible(reply["text"])


@pytest.fixture(scope="module")
def reference() -> dict[str, Any]:
    """The log-probabilities of TEXT by transformers."""
    (found,) = look_up_with_transformers(WEIGHTS, [{"token_ids": smol_ids(), "width": 5}])
    return found


async def test_scores_are_those_of_transformers(
    worker: Worker, redis: Redis, reference: dict[str, Any]
) -> None:
    """To 1e-3: hidden states of this model reach 7,900, so that is float32's own noise."""
    ids = smol_ids()
    request = score(SMOLLM2, ids, width=5)

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert largest_difference(history, reference) <= 1e-3
    # The harness's question: is each token the most likely one? Both must agree.
    assert history.scored is not None
    greedy = [entry.rank == 1 for entry in history.scored.logprobs if entry]
    assert greedy == [
        top[0][0] == token for top, token in zip(reference["top"], ids[1:], strict=True)
    ]


@pytest.mark.browser
def test_the_page_shows_the_numbers_of_the_api_and_of_transformers(
    demo_stack: DemoStack, reference: dict[str, Any]
) -> None:
    with launched_browser() as browser, browser.new_context(base_url=demo_stack.url) as context:
        page = context.new_page()
        sign_in(page, demo_stack.account("researcher"))
        playground = PlaygroundPage(page).open()
        playground.write(TEXT)
        page.get_by_role("button", name="Score the text").click()
        playground.wait_until_finished()
        shown = read_tokens(page, count=len(smol_ids()))
        run = page.url.rstrip("/").rpartition("/")[2]

    receipt = read_receipt(demo_stack, run)
    assert receipt["prompt_token_ids"] == smol_ids()
    assert shown == [
        [f"{logprob:.4f}".replace("-", MINUS), str(rank), str(token)]
        for token, logprob, rank, _ in receipt["prompt_logprobs"][1:]
    ]
    assert [entry[1] for entry in receipt["prompt_logprobs"][1:]] == pytest.approx(
        reference["logprobs"][1:], abs=1e-3
    )


def read_tokens(page: Page, *, count: int) -> list[list[str]]:
    """Each token's log-probability, rank and id, from the second on, by keyboard."""
    title = page.locator("[data-token-title]")
    page.locator("textarea[name=prompt]").press("ControlOrMeta+End")
    expect(title).to_contain_text(f"Token {count} of {count}")
    page.locator("[data-token-table] button").first.focus()
    shown = []
    for place in range(count, 1, -1):
        expect(title).to_contain_text(f"Token {place} of {count}")
        shown.append(page.locator("[data-token-table] [data-chosen] td").all_inner_texts()[3:])
        page.keyboard.press("ArrowLeft")
    return shown[::-1]


def read_receipt(stack: DemoStack, run: str) -> dict[str, Any]:
    request = urllib.request.Request(
        f"{stack.url}/v1/jobs/{run}", headers={"Authorization": f"Bearer {stack.card['api_key']}"}
    )
    with urllib.request.urlopen(request) as response:
        found: dict[str, Any] = json.load(response)
    return found


def smol_ids() -> list[int]:
    return [int(token) for token in read_tokenizer(WEIGHTS).encode(TEXT).ids]
