"""One text on two models of different sizes and tokenizers, each on its real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.e2e.browser import DESKTOP, judge, launched_browser, open_page
from tests.e2e.second_model import running_opt
from tests.e2e.stack import DemoStack, sign_in
from tests.inference_workers.real_engine import WEIGHTS_DIR
from tests.inference_workers.scores import look_up_with_transformers, read_tokenizer

pytestmark = [pytest.mark.browser, pytest.mark.engine]
CONTEXT = "The capital of France is"
CANDIDATES = (" Paris", " Berlin")
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def opt(demo_stack: DemoStack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    demo_stack.wait_until_the_engine_is_ready()
    with running_opt(demo_stack, tmp_path_factory.mktemp("opt")) as weights:
        yield weights


@pytest.fixture
def page(demo_stack: DemoStack) -> Iterator[Page]:
    complaints: list[str] = []
    with launched_browser() as chromium:
        context = chromium.new_context(viewport=DESKTOP, base_url=demo_stack.url)
        page = open_page(context, complaints)
        sign_in(page, demo_stack.account("researcher"))
        yield page
    assert complaints == []


def test_the_ladder_has_the_sums_that_transformers_has(page: Page, opt: Path) -> None:
    page.goto("/playground/ladder/")
    page.get_by_label("Prompt, or the context of the candidates").fill(CONTEXT)
    page.get_by_label("Candidate continuations").fill("\n".join(CANDIDATES))
    page.get_by_role("button", name="Measure on every model").click()

    table = page.get_by_role("table").first
    expect(table.locator("tbody a")).to_have_count(4, timeout=60_000)
    rows = [row.locator("td").all_inner_texts() for row in table.locator("tbody tr").all()]
    # The smaller first, whose tokenizer begins with `</s>`.
    for row, folder in zip(rows, [opt, WEIGHTS_DIR / "smollm2-135m"], strict=True):
        shown = [float(cell.replace(MINUS, "-")) for cell in row[1:3]]
        assert shown == pytest.approx(sum_with_transformers(folder), abs=5e-3)
    assert judge(page, "ladder") == []


def sum_with_transformers(weights: Path) -> list[float]:
    tokenizer = read_tokenizer(weights)
    head = len(tokenizer.encode(CONTEXT).ids)
    whole = [tokenizer.encode(CONTEXT + candidate).ids for candidate in CANDIDATES]
    replies = look_up_with_transformers(weights, [{"token_ids": ids, "width": 1} for ids in whole])
    return [sum(reply["logprobs"][head:]) for reply in replies]
