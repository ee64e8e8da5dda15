"""The numbers of tokens in a real browser: colours, alternatives, another choice."""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

import pytest
import redis
from playwright.sync_api import expect

from inference_workers.contract import Delta, Row, Scored, TokenLogprobs, row_key, tokenizer_key
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.e2e.browser import PHONE, judge, serious_violations
from tests.factories.jobs import FakeWorker
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.playground.browser.conftest import Scene

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]
BOS = 0
MINUS = "\N{MINUS SIGN}"
APOSTROPHE = "\N{RIGHT SINGLE QUOTATION MARK}"


@pytest.fixture(autouse=True)
def _tokenizer(scene: Scene, valkey: redis.Redis) -> Iterator[None]:
    forget_tokenizers()
    valkey.set(tokenizer_key(scene.model.deployment), TOKENIZER.to_str())
    yield
    forget_tokenizers()


def entry(token: int, logprob: float, rank: int, *others: tuple[str, float]) -> TokenLogprobs:
    return TokenLogprobs(
        token, logprob, rank, tuple((ids_of(text)[0], value) for text, value in others)
    )


def run(scene: Scene) -> FakeWorker:
    """`ab` after `</s>`, to which the model adds ` c`; it had preferred `d`."""
    scene.page.select_option("select[name=prompt_logprobs]", "prompt")
    worker = scene.submit("ab")
    a, b, blank, c = ids_of("ab c")
    prompt = (None, entry(a, -0.1, 1, ("a", -0.1)), entry(b, -5.0, 40, ("x", -0.3)))
    worker.write(Scored(token_ids=(BOS, a, b), logprobs=prompt))
    made = (
        entry(blank, -0.7, 1, (" ", -0.7), ("d", -1.5)),
        entry(c, -1.25, 2, ("d", -0.5), ("c", -1.25)),
    )
    worker.write(Delta(offset=0, text=" ", token_ids=(blank,), logprobs=made[:1]))
    worker.write(Delta(offset=1, text="c", token_ids=(c,), logprobs=made[1:]))
    worker.text, worker.token_ids = " c", [blank, c]
    outcome = worker.outcome(worker.end()).model_copy(
        update={"prompt_token_ids": (BOS, a, b), "prompt_logprobs": prompt, "logprobs": made}
    )
    record_outcome(outcome)
    scene.expect_state("succeeded")
    return worker


def place_cursor(scene: Scene, position: int) -> None:
    scene.page.locator("textarea[name=prompt]").evaluate(
        "(field, at) => { field.focus(); field.setSelectionRange(at, at); }", position
    )


def rows(scene: Scene) -> list[list[str]]:
    """The alternatives: token, probability, log-probability, rank, id."""
    return [
        [
            cell.inner_text()
            for cell in row.locator("td").all()
            if cell.locator("meter").count() == 0
        ]
        for row in scene.page.locator("[data-token-table] tbody tr").all()
    ]


def colours(scene: Scene) -> dict[str, list[str]]:
    """The coloured tokens, by level."""
    return {name: found for name, found in scene.highlights().items() if name != "completion"}


def test_tokens_are_coloured_by_what_one_chooses_and_named_in_a_legend(scene: Scene) -> None:
    run(scene)
    scene.page.get_by_role("button", name="Surprisal").click()

    assert colours(scene) == {
        "token-0": ["a"],
        "token-2": [" ", "c"],
        "token-5": ["b"],
    }
    legend = scene.page.locator("[data-legend]")
    assert legend.inner_text().replace("\u2009", "").split("\n")[:3] == ["<0.5", "≥0.5", "≥1"]
    scene.page.get_by_role("button", name="Rank").click()
    assert colours(scene) == {
        "token-0": ["a", " "],
        "token-1": ["c"],
        "token-4": ["b"],
    }
    scene.page.get_by_role("button", name="Text", exact=True).click()
    assert colours(scene) == {}


def test_the_token_at_the_cursor_shows_its_alternatives_and_the_rest(scene: Scene) -> None:
    run(scene)
    place_cursor(scene, 3)

    expect(scene.page.locator("[data-token-title]")).to_have_text("Token 5 of 5: c")
    c, d = ids_of("cd")
    assert rows(scene) == [
        ["d", "60.65 %", f"{MINUS}0.5000", "1", str(d)],
        ["c", "28.65 %", f"{MINUS}1.2500", "2", str(c)],
    ]
    rest = scene.page.locator("[data-token-rest]")
    expect(rest).to_have_text("Listed: 89.30 %. All other tokens: 10.70 %.")
    expect(scene.page.locator("[data-token-facts]")).to_have_text(
        "surprisal 1.80 bits · entropy at least 1.30 bits · rank 2"
    )
    expect(scene.page.locator("[data-token-summary]")).to_have_text(
        f"4 tokens · mean log-probability {MINUS}1.7625 · perplexity 5.83"
    )


def test_a_run_that_is_opened_again_shows_the_same(scene: Scene) -> None:
    worker = run(scene)
    scene.open(f"/playground/runs/{worker.job_id}/")
    place_cursor(scene, 2)

    expect(scene.page.locator("[data-token-title]")).to_have_text("Token 4 of 5: ·")
    assert [row[0] for row in rows(scene)] == ["·", "d"]


def test_another_token_is_chosen_by_keyboard_and_the_text_goes_on_from_it(scene: Scene) -> None:
    run(scene)
    place_cursor(scene, 2)
    expect(scene.page.locator("[data-token-title]")).to_have_text("Token 4 of 5: ·")
    scene.page.locator("[data-token-table] button").last.focus()
    scene.page.keyboard.press("ArrowRight")
    expect(scene.page.locator("[data-token-title]")).to_have_text("Token 5 of 5: c")
    before = GenerationJob.objects.count()

    with scene.page.expect_response("**/playground/runs/"):
        scene.page.keyboard.press("Enter")

    scene.expect_document("ab d")
    assert GenerationJob.objects.count() == before + 1
    assert GenerationJob.objects.latest("created_at").prompt == "ab d"


def test_an_edit_forgets_the_tokens_from_there_on(scene: Scene) -> None:
    run(scene)
    scene.page.get_by_role("button", name="Rank").click()
    place_cursor(scene, 2)

    scene.page.keyboard.type("x")

    expect(scene.page.locator("[data-token-summary]")).to_contain_text("2 tokens")
    assert colours(scene) == {"token-0": ["a"], "token-4": ["b"]}


def test_a_text_is_scored_without_generating(scene: Scene) -> None:
    scene.page.fill("textarea[name=prompt]", "ab")
    with scene.page.expect_response("**/playground/runs/"):
        scene.page.get_by_role("button", name="Score the text").click()

    params = GenerationJob.objects.get().params
    assert (params["max_tokens"], params["logprobs"], params["prompt_logprobs"]) == (0, 5, 5)


def test_on_a_phone_the_numbers_stand_below_and_are_accessible(scene: Scene) -> None:
    run(scene)
    scene.page.get_by_role("button", name="Probability").click()
    place_cursor(scene, 3)
    expect(scene.page.locator("[data-token-title]")).to_be_visible()

    assert judge(scene.page) == []
    scene.page.set_viewport_size(PHONE)
    assert serious_violations(scene.page) == []


def test_the_whole_distribution_of_a_token_can_be_asked_for(scene: Scene) -> None:
    run(scene)
    place_cursor(scene, 3)
    before = GenerationJob.objects.count()
    scene.page.get_by_role("button", name="Whole distribution").click()
    worker = scene.take_job(before)
    job = GenerationJob.objects.get(pk=worker.job_id)
    a, b, blank, c, d = ids_of("ab cd")
    chances = {c: 0.5, d: 0.25, a: 0.25}
    row = [math.log(chances[token]) if token in chances else -9999.0 for token in range(257)]
    scene.valkey.set(row_key(job.pk, job.positions[0]), struct.pack("<257f", *row))
    worker.write(Row(position=job.positions[0], width=257))
    record_outcome(worker.outcome(worker.end()))

    assert job.prompt_token_ids == [BOS, a, b, blank]
    expect(scene.page.locator("[data-whole-words]")).to_have_text(
        f"The model{APOSTROPHE}s entropy is 1.50 bits over 257 tokens. The samplers left 3 tokens, "
        "to which the model gave 100.00 %; the entropy among them is 1.41 bits."
    )
    table = scene.page.locator("[data-whole-table] tbody tr")
    # A temperature of 0.7 favours the likelier.
    expect(table.nth(0)).to_have_text("c50.00 %57.37 %")
    place_cursor(scene, 2)
    expect(scene.page.locator("[data-whole-table]")).to_be_hidden()
    assert judge(scene.page, "whole") == []
