"""Sums, means, ranks and winners equal those calculated by hand."""

from __future__ import annotations

from typing import Any

from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.api.document.test_document import OPERATIONS, faults_of
from tests.lab.playground.sse import in_thread
from tests.lab.scores.asking import ask, list_items, publish_tokenizer, worth


def sums_of(item: dict[str, Any]) -> list[float]:
    return [each["logprob_sum"] for each in item["continuations"]]


def means_of(item: dict[str, Any]) -> list[float]:
    return [each["logprob_mean"] for each in item["continuations"]]


async def test_a_score_is_of_the_continuations_tokens_alone(laboratory: Laboratory) -> None:
    laboratory.look_up = worth({"H": -64.0, "i": -32.0, "a": -0.5, "b": -1.25, "c": -4.0})

    (item,) = await list_items(laboratory, context="Hi", continuations=["abca", "b"])

    abca, b = item["continuations"]
    assert abca == {
        "logprob_sum": -6.25,
        "logprob_mean": -1.5625,
        "is_greedy": False,
        "ranks": [7, 7, 7, 7],
        "token_ids": ids_of("abca"),
        "tokens": ["a", "b", "c", "a"],
        "token_logprobs": [-0.5, -1.25, -4.0, -0.5],
        "context_tokens": 3,
        "context_token_ids": None,
        "boundary_within_token": False,
    }
    assert (b["logprob_sum"], b["logprob_mean"], b["tokens"]) == (-1.25, -1.25, ["b"])


async def test_the_best_by_sum_is_not_the_best_by_mean(laboratory: Laboratory) -> None:
    """-1 in one token, -1.5 in three, -2 in two: the shortest in all, the longest a token."""
    laboratory.look_up = worth({"a": -1.0, "b": -0.5, "c": -1.0})

    (item,) = await list_items(laboratory, context="x", continuations=["cc", "a", "bbb"])

    assert sums_of(item) == [-2.0, -1.0, -1.5]
    assert means_of(item) == [-1.0, -1.0, -0.5]
    assert (item["best_by_sum"], item["best_by_mean"]) == (1, 2)


async def test_of_two_that_are_as_good_the_first_is_the_best(laboratory: Laboratory) -> None:
    laboratory.look_up = worth({"a": -1.0, "b": -1.0, "c": -2.0})

    (item,) = await list_items(laboratory, context="x", continuations=["c", "a", "b"])

    assert (item["best_by_sum"], item["best_by_mean"]) == (1, 1)


async def test_a_sum_loses_nothing_of_small_values(laboratory: Laboratory) -> None:
    """Added one by one, each of the ten would be lost beside -1."""
    laboratory.look_up = worth({"a": -1.0, "b": -1e-16})

    (item,) = await list_items(laboratory, context="x", continuations=["a" + "b" * 10])

    assert sums_of(item) == [-1.000000000000001]


async def test_it_is_greedy_where_every_token_is_the_likeliest(laboratory: Laboratory) -> None:
    laboratory.look_up = worth({"a": -0.5, "b": -0.5, "c": -3.0}, greedy="ab")

    (item,) = await list_items(laboratory, context="c", continuations=["ab", "abc", "ca"])

    assert [each["is_greedy"] for each in item["continuations"]] == [True, False, False]
    assert [each["ranks"] for each in item["continuations"]] == [[1, 1], [1, 1, 7], [7, 1]]


async def test_items_are_apart_and_in_order(laboratory: Laboratory) -> None:
    laboratory.look_up = worth({"a": -1.0, "b": -2.0, "c": -4.0, "d": -8.0})

    reply = (
        await ask(
            laboratory,
            items=[
                {"context": "xy", "continuations": ["d", "c"]},
                {"context": ids_of("z"), "continuations": [ids_of("b"), "a", "ab"]},
            ],
        )
    ).json()

    first, second = reply["data"]
    content = OPERATIONS["create_scores"]["responses"]["200"]["content"]["application/json"]
    assert faults_of(reply, content["schema"]) == []
    assert (first["index"], second["index"]) == (0, 1)
    assert (sums_of(first), sums_of(second)) == ([-8.0, -4.0], [-2.0, -1.0, -3.0])
    assert (first["best_by_sum"], second["best_by_sum"]) == (1, 1)
    assert [each["context_tokens"] for each in first["continuations"]] == [3, 3]
    assert [each["context_tokens"] for each in second["continuations"]] == [1, 1, 1]
    # Texts get a beginning token, and ids are taken as they are.
    assert reply["usage"] == {"prompt_tokens": 15, "completion_tokens": 0, "total_tokens": 15}


async def test_each_continuation_is_a_run_that_generates_nothing(laboratory: Laboratory) -> None:
    await ask(laboratory, context="Hi", continuations=[" a", "zz"])

    jobs = await in_thread(list, GenerationJob.objects.order_by("call_index"))
    assert [job.prompt_token_ids for job in jobs] == [
        [0, *ids_of("Hi a")],
        [0, *ids_of("Hizz")],
    ]
    params = [(job.params["max_tokens"], job.params["prompt_logprobs"]) for job in jobs]
    assert params == [(0, 0), (0, 0)]


async def test_without_special_tokens_nothing_stands_before_a_text(laboratory: Laboratory) -> None:
    (item,) = await list_items(
        laboratory, context="Hi", continuations=["a"], add_special_tokens=False
    )

    assert item["context"]["token_ids"] == ids_of("Hi")
    assert item["continuations"][0]["context_tokens"] == 2


def make_merging_tokenizer() -> Tokenizer:
    """Like the laboratory's, but `it` is one token, number 257."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"</s>": 0, **{letter: place + 1 for place, letter in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab={**vocabulary, "it": 257}, merges=[("i", "t")]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", special_tokens=[("</s>", 0)]
    )
    return tokenizer


async def test_texts_that_meet_within_a_token_say_so(laboratory: Laboratory) -> None:
    """`Hi` has three tokens with the beginning one, and `Hit` too: `ts` is scored as its `s`."""
    publish_tokenizer(laboratory, make_merging_tokenizer())
    laboratory.look_up = worth({"s": -2.0, "t": -16.0})

    (item,) = await list_items(laboratory, context="Hi", continuations=["ts", "s"])

    within, clean = item["continuations"]
    (h, s) = ids_of("Hs")
    assert within["boundary_within_token"] is True
    assert within["context_token_ids"] == [0, h, 257]
    assert (within["token_ids"], within["logprob_sum"]) == ([s], -2.0)
    assert clean["boundary_within_token"] is False
    assert (clean["context_token_ids"], clean["logprob_sum"]) == (None, -2.0)
