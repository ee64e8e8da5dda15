"""Entropies, ranks and log-probabilities equal those calculated by hand."""

from __future__ import annotations

import math

import pytest

from inference_workers.contract import TokenizerConfig, tokenizer_config_key
from tests.lab.api.conftest import Laboratory, ids_of
from tests.lab.api.document.test_document import OPERATIONS, faults_of
from tests.lab.distributions.by_hand import LN2, NEVER, as_float32, ask, list_data, row_of

A, B, C, D, E = ids_of("abcde")
SKEWED = row_of({A: 2, B: 1, C: 3, D: 3})
"""1/4, 1/2, 1/8 and 1/8: 1/4*2 + 1/2*1 + 1/8*3 + 1/8*3 = 1.75 bits."""


async def test_an_entropy_is_in_nats(laboratory: Laboratory) -> None:
    laboratory.distribution = lambda position: SKEWED

    (only,) = await list_data(laboratory, prompt="x")

    assert only["entropy"] == pytest.approx(1.75 * LN2, rel=1e-6)
    assert only["entropy"] == pytest.approx(1.2130075, rel=1e-6)


async def test_where_all_is_equally_likely_it_is_the_logarithm_of_the_vocabulary(
    laboratory: Laboratory,
) -> None:
    (only,) = await list_data(laboratory, prompt="x")

    assert only["entropy"] == pytest.approx(5.549076, rel=1e-6)
    assert math.exp(only["entropy"]) == pytest.approx(257, rel=1e-5)


async def test_where_one_token_is_certain_it_is_zero(laboratory: Laboratory) -> None:
    laboratory.distribution = lambda position: row_of({A: 0})

    (only,) = await list_data(laboratory, prompt="x", top=1)

    assert str(only["entropy"]) == "0.0"
    assert only["top"] == [{"id": A, "token": "a", "logprob": 0.0, "rank": 1}]


async def test_named_tokens_have_the_very_floats_of_the_row_and_their_ranks(
    laboratory: Laboratory,
) -> None:
    laboratory.distribution = lambda position: SKEWED

    (only,) = await list_data(laboratory, prompt="x", tokens=["d", C, "a", B, "e"])

    assert only["tokens"] == [
        {"id": D, "token": "d", "logprob": as_float32(-3 * LN2), "rank": 3},
        {"id": C, "token": "c", "logprob": as_float32(-3 * LN2), "rank": 3},
        {"id": A, "token": "a", "logprob": as_float32(-2 * LN2), "rank": 2},
        {"id": B, "token": "b", "logprob": as_float32(-1 * LN2), "rank": 1},
        {"id": E, "token": "e", "logprob": NEVER, "rank": 5},
    ]


async def test_the_likeliest_come_first_and_no_others(laboratory: Laboratory) -> None:
    laboratory.distribution = lambda position: row_of({E: 5, A: 2, D: 4, B: 1, C: 3})

    four, none, all_there_are = [
        (await list_data(laboratory, prompt="x", top=count))[0]["top"] for count in (4, 0, 1000)
    ]

    assert four == [
        {"id": B, "token": "b", "logprob": as_float32(-1 * LN2), "rank": 1},
        {"id": A, "token": "a", "logprob": as_float32(-2 * LN2), "rank": 2},
        {"id": C, "token": "c", "logprob": as_float32(-3 * LN2), "rank": 3},
        {"id": D, "token": "d", "logprob": as_float32(-4 * LN2), "rank": 4},
    ]
    assert none == []
    assert [each["id"] for each in all_there_are[:5]] == [B, A, C, D, E]
    assert sorted(each["id"] for each in all_there_are) == list(range(257))
    assert [each["rank"] for each in all_there_are] == [1, 2, 3, 4, 5, *[6] * 252]


async def test_each_position_has_its_own_row_in_the_order_of_the_request(
    laboratory: Laboratory,
) -> None:
    """After n tokens 2**n of them are equally likely, beginning with number 10 * n."""
    laboratory.distribution = lambda position: row_of(
        {10 * position + step: position for step in range(2**position)}
    )

    data = await list_data(laboratory, prompt="abc", positions=[-1, 1, -3, 3, 1], top=1)

    assert [each["position"] for each in data] == [4, 1, 2, 3, 1]
    assert [each["top"][0]["id"] // 10 for each in data] == [4, 1, 2, 3, 1]
    assert [each["entropy"] for each in data] == [
        pytest.approx(halvings * LN2, rel=1e-6) for halvings in (4, 1, 2, 3, 1)
    ]


async def test_without_positions_it_is_what_follows_the_whole_prompt(
    laboratory: Laboratory,
) -> None:
    laboratory.distribution = lambda position: row_of({100 + position: 0})

    text = await list_data(laboratory, prompt="abc", top=1)
    bare = await list_data(laboratory, prompt="abc", top=1, add_special_tokens=False)
    ids = await list_data(laboratory, prompt=[A, B], top=1)

    assert [(each["position"], each["top"][0]["id"]) for (each,) in (text, bare, ids)] == [
        (4, 104), (3, 103), (2, 102),
    ]  # fmt: skip


async def test_a_model_may_have_more_rows_than_its_tokenizer_has_tokens(
    laboratory: Laboratory,
) -> None:
    config = TokenizerConfig(bos_token_id=0, eos_token_id=0, vocabulary=300)
    laboratory.valkey.set(
        tokenizer_config_key(laboratory.model.deployment), config.model_dump_json()
    )
    laboratory.distribution = lambda position: row_of({299: 1, A: 1}, width=300)

    reply = (await ask(laboratory, prompt="x", tokens=[299])).json()

    assert reply["vocabulary"] == 300
    assert reply["data"][0]["tokens"] == [
        {"id": 299, "token": "token_id:299", "logprob": as_float32(-LN2), "rank": 1}
    ]


async def test_the_answer_names_the_prompt_as_the_model_sees_it(laboratory: Laboratory) -> None:
    reply = (await ask(laboratory, prompt="Hi", positions=[1, -1])).json()

    content = OPERATIONS["create_distributions"]["responses"]["200"]["content"]
    assert faults_of(reply, content["application/json"]["schema"]) == []
    assert (reply["object"], reply["model"]) == ("list", laboratory.model.slug)
    assert reply["token_ids"] == [0, *ids_of("Hi")]
    assert reply["tokens"] == ["</s>", "H", "i"]
    assert reply["vocabulary"] == 257
    assert reply["usage"] == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}
