"""The token for an empty context, and its source."""

from __future__ import annotations

from typing import Any

import pytest

from inference_workers.contract import TokenizerConfig
from portal.lab.jobs.models import GenerationJob
from tests.lab.api.conftest import TOKENIZER, Laboratory, ids_of, make_tokenizer
from tests.lab.playground.sse import in_thread
from tests.lab.scores.asking import publish, publish_tokenizer


async def score(laboratory: Laboratory, **body: Any) -> tuple[dict[str, Any], list[list[int]]]:
    """The first item, and the prompts that ran."""
    reply = await laboratory.ask("/v1/scores", **body)
    jobs = await in_thread(list, GenerationJob.objects.order_by("call_index"))
    return reply["data"][0], [job.prompt_token_ids for job in jobs]


@pytest.mark.parametrize(
    ("config", "pinned", "ids", "chosen_by"),
    [
        (TokenizerConfig(bos_token_id=5, eos_token_id=6), {}, [5], "tokenizer_config"),
        (TokenizerConfig(eos_token_id=6), {}, [6], "tokenizer_config"),
        (TokenizerConfig(bos_token_id=5), {"prefix_token_id": 7}, [7], "request"),
        (None, {}, [0], "tokenizer"),
    ],
)
async def test_an_empty_context_is_what_the_harness_takes_for_it(
    laboratory: Laboratory,
    config: TokenizerConfig | None,
    pinned: dict[str, int],
    ids: list[int],
    chosen_by: str,
) -> None:
    publish(laboratory, config)

    item, prompts = await score(laboratory, context="", continuations=["a", "bc"], **pinned)

    assert item["context"] == {
        "token_ids": ids,
        "tokens": [TOKENIZER.decode(ids, skip_special_tokens=False)],
        "chosen_by": chosen_by,
    }
    assert prompts == [[*ids, *ids_of("a")], [*ids, *ids_of("bc")]]


async def test_a_tokenizer_that_says_nothing_leaves_a_guess(laboratory: Laboratory) -> None:
    tokenizer = make_tokenizer()
    tokenizer.post_processor = None
    publish_tokenizer(laboratory, tokenizer)
    publish(laboratory, None)

    item, prompts = await score(laboratory, context="", continuations=["a"])

    assert item["context"]["chosen_by"] == "fallback"
    assert prompts == [[0, *ids_of("a")]]


async def test_a_context_is_named_as_the_model_sees_it(laboratory: Laboratory) -> None:
    item, prompts = await score(laboratory, context="Hi ", continuations=["you", ids_of("you")])

    assert item["context"] == {
        "token_ids": [0, *ids_of("Hi")],
        "tokens": ["</s>", "H", "i"],
        "chosen_by": "request",
    }
    first, second = item["continuations"]
    assert (first["context_token_ids"], first["token_ids"]) == (None, ids_of(" you"))
    # Ids are used as a continuation unchanged, so the space stays with the context.
    assert second["context_token_ids"] == [0, *ids_of("Hi ")]
    assert second["token_ids"] == ids_of("you")
    assert prompts == [[0, *ids_of("Hi you")]] * 2


async def test_a_prompt_left_out_begins_with_the_same(laboratory: Laboratory) -> None:
    publish(laboratory, TokenizerConfig(bos_token_id=5))

    reply = await laboratory.ask(max_tokens=1, return_token_ids=True)

    assert reply["choices"][0]["prompt_token_ids"] == [5]
