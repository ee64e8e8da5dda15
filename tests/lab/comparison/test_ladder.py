"""A text, or candidates, on every model: what is run, the figures by hand, and refusals."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import pytest
from pytest_django import DjangoAssertNumQueries

from inference_workers.contract import WORKERS_KEY, TokenLogprobs, worker_key
from portal.lab.comparison.domain import rungs
from portal.lab.comparison.domain.scores import Score
from portal.lab.comparison.ladder import Ladder
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import FakeWorker, GenerationJobFactory
from tests.lab.api.conftest import TOKENIZER
from tests.lab.comparison.conftest import END, PAIRS, Bench

NEW = "/playground/ladder/new/"
TEXT = {"a": -1.0, "b": -2.0, "ab": -3.0}


def submit(bench: Bench, prompt: str, *candidates: str) -> str:
    """The address of the new ladder."""
    fields = {"prompt": prompt, "candidates": "\r\n".join(candidates)}
    return str(bench.client.post(NEW, fields)["Location"])


def measure(worth: Mapping[str, float]) -> None:
    """End every run, with a value for each token by its spelling, -100 for others."""
    for job in GenerationJob.objects.filter(finished_at=None):
        tokenizer = {"small": TOKENIZER, "large": PAIRS}[job.deployment]
        ids = tuple(job.prompt_token_ids)
        values = [worth.get(tokenizer.id_to_token(token) or "", -100.0) for token in ids]
        scored = (
            None,
            *(TokenLogprobs(*pair, 1) for pair in zip(ids[1:], values[1:], strict=True)),
        )
        outcome = FakeWorker(None, job.pk).outcome()  # type: ignore[arg-type]
        record_outcome(
            outcome.model_copy(update={"prompt_token_ids": ids, "prompt_logprobs": scored})
        )


def read(bench: Bench, address: str) -> Any:
    return bench.client.get(address).context["ladder"]


def scores(ladder: Ladder) -> list[list[Score | None]]:
    return [[cell.score for cell in rung.cells] for rung in ladder.rungs]


def test_a_text_is_measured_as_a_document_on_every_model(bench: Bench) -> None:
    address = submit(bench, "ab")

    small, large = GenerationJob.objects.order_by("model__parameters")
    assert address == f"/playground/ladder/?runs={small.pk},{large.pk}&context=0"
    assert (small.prompt, small.prompt_token_ids) == ("ab", TOKENIZER.encode("ab").ids)
    assert (large.prompt, large.prompt_token_ids) == ("ab", [END, *PAIRS.encode("ab").ids])
    for job in (small, large):
        assert (job.params["max_tokens"], job.params["prompt_logprobs"]) == (0, 0)


def test_bits_per_byte_are_equal_where_tokens_are_not(bench: Bench) -> None:
    """-6 for four bytes: four tokens of the small model, two of the large one."""
    address = submit(bench, "abab")
    measure(TEXT)

    ladder = read(bench, address)

    assert not ladder.has_candidates
    assert scores(ladder) == [[Score(-6.0, tokens=4, bytes=4)], [Score(-6.0, tokens=2, bytes=4)]]
    for (score,) in scores(ladder):
        assert score is not None
        assert score.bits_per_byte == pytest.approx(1.5 / math.log(2))
    assert [score.per_token for (score,) in scores(ladder) if score] == [-1.5, -3.0]
    page = bench.client.get(address).content.decode()
    assert "<td>4</td><td>2.1640</td><td>-1.5000</td><td>-6.0000</td>" in page


def test_bytes_are_those_of_utf_8(bench: Bench) -> None:
    address = submit(bench, "aé")
    measure({"a": -1.0, "Ã": -1.0, "©": -1.0})

    assert scores(read(bench, address))[0] == [Score(-3.0, tokens=3, bytes=3)]


def test_candidates_are_measured_after_the_context_alone(bench: Bench) -> None:
    """` aaaab` is six tokens of the small model; the large one has `ab` in one."""
    address = submit(bench, "b", " a", "", " aaaab", " a")
    measure({"a": -2.0, "b": -1.0, "ab": -0.5, "Ġ": 0.0})

    ladder = read(bench, address)

    assert (ladder.context, ladder.continuations) == ("b", [" a", " aaaab"])
    assert address.endswith("&context=1")
    assert scores(ladder) == [
        [Score(-2.0, tokens=2, bytes=2), Score(-9.0, tokens=6, bytes=6)],
        [Score(-2.0, tokens=2, bytes=2), Score(-6.5, tokens=5, bytes=6)],
    ]
    assert [(rung.by_sum, rung.by_byte) for rung in ladder.rungs] == [(0, 0), (0, 0)]


def test_a_models_preference_depends_on_the_unit(bench: Bench) -> None:
    """-2 for one byte against -3 for two."""
    address = submit(bench, "x", "a", "bb")
    measure({"a": -2.0, "b": -1.5})

    assert [(rung.by_sum, rung.by_byte) for rung in read(bench, address).rungs] == [(0, 1)] * 2


def test_blanks_at_the_contexts_end_belong_to_the_candidate(bench: Bench) -> None:
    address = submit(bench, "x ", "a")
    measure({"a": -1.0, "Ġ": -4.0})

    assert scores(read(bench, address)) == [[Score(-5.0, tokens=2, bytes=2)]] * 2


def test_a_token_across_the_boundary_is_split_where_the_context_ends(bench: Bench) -> None:
    """The large model reads x, ab, b; its context was x, a, so that only the last is measured."""
    address = submit(bench, "xa", "bb")
    measure({"a": -1.0, "b": -2.0, "ab": -3.0})

    small, large = scores(read(bench, address))
    assert small == [Score(-4.0, tokens=2, bytes=2)]
    assert large == [Score(-2.0, tokens=1, bytes=2, is_joined=True)]
    page = bench.client.get(address).content.decode()
    assert page.count("-2.0000</a>*") == 1
    assert "* Context and candidate meet within a token of this model" in page


def test_of_equal_candidates_the_first_is_preferred(bench: Bench) -> None:
    address = submit(bench, "x", "c", "a", "b")
    measure({"a": -2.0, "b": -2.0, "c": -3.0})

    assert [(rung.by_sum, rung.by_byte) for rung in read(bench, address).rungs] == [(1, 1)] * 2


def test_until_all_are_known_no_model_prefers_one(bench: Bench) -> None:
    address = submit(bench, "x", "a", "b")
    failed = GenerationJob.objects.filter(prompt="xb", model=bench.small).get()
    GenerationJob.objects.filter(pk=failed.pk).update(
        state="failed", failure_code="engine_error", finished_at=failed.created_at
    )

    before = read(bench, address)
    measure({"a": -2.0, "b": -1.5})
    after = read(bench, address)

    assert [rung.by_sum for rung in before.rungs] == [None, None]
    assert [rung.by_sum for rung in after.rungs] == [None, 1]
    assert after.rungs[0].cells[1].message.startswith("The engine failed during this run.")


def test_a_model_whose_engine_is_offline_is_named_and_left_out(bench: Bench) -> None:
    bench.valkey.delete(worker_key("of-large"))
    bench.valkey.zrem(WORKERS_KEY, "of-large")

    page = bench.client.get("/playground/ladder/").content.decode()
    submit(bench, "ab")

    assert "It has 1 rung now: Small." in page
    assert "Left out, because no engine of it is online: Large." in page
    assert [job.model for job in GenerationJob.objects.all()] == [bench.small]


def test_with_all_engines_offline_nothing_is_submitted(bench: Bench) -> None:
    bench.valkey.flushall()

    response = bench.client.post(NEW, {"prompt": "ab", "candidates": ""})

    assert (response.status_code, GenerationJob.objects.count()) == (503, 0)
    assert "No model that is open to you is online now." in response.content.decode()
    assert response.context["form"]["prompt"].value() == "ab"


@pytest.mark.parametrize(
    ("prompt", "candidates", "error"),
    [
        ("", ["a"], "Write a prompt first."),
        ("x", list("abcdefghijklmnopq"), "These are 17 candidates; the limit is 16."),
        ("x", list("abcd"), "4 candidates on 2 models are 8 runs; the limit is 7. Leave out 1 of"),
        ("x\0", [], "The text contains a character that is not text."),
        ("a" * 2048, [], "Small: The prompt is 2,049 tokens long"),
        ("a" * 200_000, ["b"], "Small: The prompt has 200,001 characters, far more than"),
        (" ", ["a"], "Large: Context and continuation need at least one token each"),
    ],
)
def test_wrong_input_is_named_and_kept(
    bench: Bench,
    monkeypatch: pytest.MonkeyPatch,
    prompt: str,
    candidates: list[str],
    error: str,
) -> None:
    monkeypatch.setattr(rungs, "RUNS_MOST", 7)

    response = bench.client.post(NEW, {"prompt": prompt, "candidates": "\n".join(candidates)})

    assert (response.status_code, GenerationJob.objects.count()) == (422, 0)
    assert error in response.content.decode()
    assert response.context["form"]["candidates"].value() == "\n".join(candidates)


def test_runs_of_others_and_those_that_measured_nothing_are_not_shown(bench: Bench) -> None:
    foreign = GenerationJobFactory.create(model=bench.small, prompt="secret")
    written = bench.run(" a")

    response = bench.client.get(f"/playground/ladder/?runs={foreign.pk},{written.pk}")

    assert response.context["ladder"] is None
    page = response.content.decode()
    assert "1 of the runs in this address is left out" in page
    assert "No measurements here" in page
    assert "secret" not in page


@pytest.mark.parametrize("context", ["-1", "x", "²", "9" * 30, "2"])
def test_a_context_that_does_not_fit_is_not_an_error(bench: Bench, context: str) -> None:
    address = submit(bench, "x", "a").removesuffix("1") + context

    assert bench.client.get(address).status_code == 200


@pytest.mark.parametrize("candidates", [1, 8])
def test_any_number_of_runs_takes_the_same_queries(
    bench: Bench, candidates: int, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    address = submit(bench, "x", *"abcdefgh"[:candidates])
    measure({})
    HostedModelFactory.create()

    with django_assert_num_queries(6):
        ladder = read(bench, address)

    assert len(ladder.continuations) == candidates
