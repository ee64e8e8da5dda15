"""The playground on the real engine: by keyboard alone, on a phone, and its numbers."""

from __future__ import annotations

import json
import math
import re
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.e2e.browser import DESKTOP, PHONE, judge, launched_browser, open_page
from tests.e2e.playground import PlaygroundPage
from tests.e2e.stack import DemoStack, sign_in
from tests.inference_workers.real_engine import WEIGHTS_DIR
from tests.inference_workers.scores import look_up_with_transformers

pytestmark = [pytest.mark.browser, pytest.mark.engine]
PROMPT = "The old lighthouse keeper climbed the stairs and"
MODEL = "smollm2-135m"
MINUS = "\N{MINUS SIGN}"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as chromium:
        yield chromium


@pytest.fixture
def complaints() -> Iterator[list[str]]:
    found: list[str] = []
    yield found
    assert found == []


@pytest.fixture
def desk(demo_stack: DemoStack, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport=DESKTOP, base_url=demo_stack.url)
    yield open_as_researcher(context, demo_stack, complaints)
    context.close()


@pytest.fixture
def phone(demo_stack: DemoStack, browser: Browser, complaints: list[str]) -> Iterator[Page]:
    context = browser.new_context(viewport=PHONE, has_touch=True, base_url=demo_stack.url)
    yield open_as_researcher(context, demo_stack, complaints)
    context.close()


def open_as_researcher(context: BrowserContext, stack: DemoStack, complaints: list[str]) -> Page:
    stack.wait_until_the_engine_is_ready()
    page = open_page(context, complaints)
    sign_in(page, stack.account("researcher"))
    page.goto("/playground/")
    return page


def read_receipt(stack: DemoStack, run: str) -> dict[str, Any]:
    return ask(stack, f"/v1/jobs/{run}")


def ask(stack: DemoStack, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
    request = urllib.request.Request(
        stack.url + path,
        data=None if body is None else json.dumps(body).encode(),
        headers={
            "Authorization": f"Bearer {stack.card['api_key']}",
            "Content-Type": "application/json",
        },
    )
    with urllib.request.urlopen(request) as response:
        found: dict[str, Any] = json.load(response)
    return found


def find_run(page: Page) -> str:
    (run,) = re.findall("/runs/([^/]+)/", page.url)
    return str(run)


def test_a_tree_grows_by_keyboard_alone(desk: Page, demo_stack: DemoStack) -> None:
    playground = PlaygroundPage(desk)
    desk.locator("[name=max_tokens]").focus()
    press(desk, "Control+a", "8")
    desk.locator("[name=temperature]").focus()
    press(desk, "Control+a", "0")
    playground.editor.focus()
    desk.keyboard.insert_text(PROMPT)
    press(desk, "Control+Enter")
    playground.wait_until_finished()
    root, whole = find_run(desk), playground.text()

    # Another token than the likeliest, by the arrow keys.
    press(desk, "Control+Home", *["ArrowRight"] * (len(PROMPT) + 1))
    expect(desk.locator("[data-token-title]")).to_contain_text("Token 1 of 8")
    desk.locator("[data-token-table] button").first.focus()
    press(desk, "ArrowDown", "Enter")
    expect(playground.status).not_to_contain_text("Finished")
    playground.wait_until_finished()
    branch = find_run(desk)
    assert playground.text() != whole
    assert playground.text().startswith(PROMPT)

    playground.editor.focus()
    press(desk, "Control+z", "Control+z")
    expect(playground.editor).to_have_value(whole)
    assert find_run(desk) == root

    press(desk, "Control+End", "Control+Enter")
    expect(playground.status).not_to_contain_text("Finished")
    playground.wait_until_finished()
    rows = demo_stack.query(
        "SELECT id::text, parent_id::text FROM notebook_node WHERE tree = %s", root
    )
    assert set(rows) == {(root, None), (branch, None), (find_run(desk), root)}
    assert judge(desk, "engine-tree") == []


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


def test_samples_on_a_phone_have_the_means_of_their_receipts(
    phone: Page, demo_stack: DemoStack
) -> None:
    phone.get_by_role("button", name="Parameters").tap()
    phone.get_by_label("Samples", exact=True).fill("3")
    phone.get_by_label("Max tokens", exact=True).fill("6")
    phone.get_by_role("button", name="Done").tap()
    phone.get_by_role("textbox", name="Prompt and completion").fill("My favourite colour is")
    phone.locator("[data-run-button]").tap()

    expect(phone).to_have_url(re.compile(r"/compare/\?runs="))
    expect(phone.locator(".chip--succeeded")).to_have_count(3, timeout=120_000)
    expect(phone.get_by_role("term").filter(has_text="Self-similarity")).to_be_visible()
    shown = phone.locator("dt", has_text="Mean log-prob.").locator("xpath=following-sibling::dd")
    runs = phone.url.partition("?runs=")[2].split("%2C" if "%2C" in phone.url else ",")
    for run, text in zip(runs, shown.all_inner_texts(), strict=True):
        values = [entry[1] for entry in read_receipt(demo_stack, run)["logprobs"]]
        assert float(text.replace(MINUS, "-")) == pytest.approx(
            math.fsum(values) / len(values), abs=1e-4
        )
    assert judge(phone, "engine-samples") == []


def test_the_whole_distribution_is_that_of_transformers(desk: Page, demo_stack: DemoStack) -> None:
    playground = PlaygroundPage(desk)
    playground.set("Max tokens", "4")
    playground.set("Top-k", "5")
    playground.set("Temperature", "1.5")
    playground.write(PROMPT)
    playground.run()
    playground.wait_until_finished()
    receipt = read_receipt(demo_stack, find_run(desk))
    playground.editor.press("Control+End")
    expect(desk.locator("[data-token-title]")).to_contain_text("Token 4 of 4")
    desk.get_by_role("button", name="Whole distribution").click()

    words = desk.locator("[data-whole-words]")
    expect(words).to_contain_text("entropy is", timeout=60_000)
    entropy, kept, left = re.findall(
        r"entropy is ([\d.]+) bits .* left (\d+) tokens.* them is ([\d.]+) bits", words.inner_text()
    )[0]
    ids = [*receipt["prompt_token_ids"], *receipt["token_ids"][:3]]
    logprobs = row_of_transformers(ids)
    assert float(entropy) == pytest.approx(entropy_of(logprobs), abs=6e-3)
    five = sorted(logprobs, reverse=True)[:5]
    scaled = [value / 1.5 for value in five]
    total = math.log(math.fsum(math.exp(value) for value in scaled))
    assert int(kept) == 5
    assert float(left) == pytest.approx(entropy_of([value - total for value in scaled]), abs=6e-3)
    # What was drawn is among them.
    assert logprobs[receipt["token_ids"][3]] >= five[-1]


def row_of_transformers(ids: list[int]) -> list[float]:
    """The log-probabilities of all tokens after these."""
    request = {"token_ids": ids, "width": 1}
    (reply,) = look_up_with_transformers(WEIGHTS_DIR / MODEL, [request])
    last: list[float] = reply["last"]
    return last


def entropy_of(logprobs: list[float]) -> float:
    return -math.fsum(math.exp(value) * value for value in logprobs) / math.log(2)


def test_a_chat_reads_what_the_api_reads(desk: Page, demo_stack: DemoStack) -> None:
    question = "Name a river of Europe."
    desk.goto("/playground/chat/")
    desk.get_by_label("Max tokens", exact=True).fill("8")
    desk.get_by_label("Temperature", exact=True).fill("0")
    desk.locator("textarea").first.fill(question)
    desk.keyboard.press("Control+Enter")
    expect(desk.locator("[data-chip]")).to_contain_text("Finished", timeout=120_000)
    run = (desk.locator('[data-fact="run"] a').get_attribute("href") or "").split("/")[-2]

    body = {
        "model": MODEL,
        "messages": [{"role": "user", "content": question}],
        "max_tokens": 8,
        "temperature": 0,
    }
    reply = ask(demo_stack, "/v1/chat/completions", body)
    own = read_receipt(demo_stack, run)
    same = read_receipt(demo_stack, reply["gatehouse"]["jobs"][0])
    assert own["prompt_token_ids"] == same["prompt_token_ids"]
    assert own["text"] == reply["choices"][0]["message"]["content"] == same["text"]


def test_a_run_is_a_record_that_can_be_found_and_shared(
    desk: Page, demo_stack: DemoStack, browser: Browser
) -> None:
    playground = PlaygroundPage(desk)
    playground.set("Max tokens", "5")
    playground.write("A text to be found again:")
    playground.run()
    playground.wait_until_finished()
    run, text = find_run(desk), playground.text()
    playground.write("Something else")
    desk.goto(f"/playground/runs/{run}/")
    expect(playground.editor).to_have_value(text)
    desk.get_by_label("Name", exact=True).fill("Found")
    desk.get_by_role("checkbox", name="Starred").check()
    desk.get_by_role("button", name="Save", exact=True).click()

    desk.goto("/playground/history/")
    desk.get_by_label("Text in the prompt or completion").fill("found AGAIN")
    desk.get_by_role("checkbox", name="Starred").check()
    desk.get_by_role("button", name="Search").click()
    expect(desk.locator(".run-list__item")).to_have_count(1)
    desk.get_by_role("link", name=re.compile("Found")).click()
    expect(desk).to_have_url(re.compile(run))

    desk.get_by_text("Share and cite").click()
    expect(desk.locator("main")).to_contain_text("@misc{")
    desk.get_by_label("Who may read it").select_option("licence_holders")
    desk.get_by_role("button", name="Make a link").click()
    link = desk.locator(".share-link__address").inner_text()
    desk.goto(link)
    expect(desk.get_by_role("main")).to_contain_text("A text to be found again:")

    other = browser.new_context(viewport=DESKTOP, base_url=demo_stack.url)
    stranger = other.new_page()
    sign_in(stranger, demo_stack.account("applicant"))
    answer = stranger.goto(link)
    assert answer is not None
    assert answer.status == 403
    assert "A text to be found" not in stranger.content()
    other.close()
