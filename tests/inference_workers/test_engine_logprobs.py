"""VLLM's lists and dictionaries of log-probabilities, read without changing a float."""

from __future__ import annotations

from typing import Any

from inference_workers.contract import TokenLogprobs
from inference_workers.engines.logprobs import read_generated, read_prompt, read_row


def lists(top: dict[str, float], *, own: float) -> dict[str, Any]:
    return {"tokens": ["token_id:5"], "token_logprobs": [own], "top_logprobs": [top]}


def test_a_likely_token_has_its_rank() -> None:
    top = {"token_id:5": -1.5, "token_id:9": -0.25}

    assert read_generated(lists(top, own=-1.5), width=2) == (
        TokenLogprobs(5, -1.5, 2, ((9, -0.25), (5, -1.5))),
    )


def test_an_unlikely_one_stands_beside_the_likeliest() -> None:
    top = {"token_id:5": -7.125, "token_id:9": -0.25, "token_id:2": -3.0}

    assert read_generated(lists(top, own=-7.125), width=2) == (
        TokenLogprobs(5, -7.125, None, ((9, -0.25), (2, -3.0))),
    )


def test_without_a_width_only_the_token_itself_is_named() -> None:
    assert read_generated(lists({"token_id:5": -0.5}, own=-0.5), width=0) == (
        TokenLogprobs(5, -0.5, None, ()),
    )


def test_prompts_have_ranks_of_the_engine() -> None:
    entries = [
        None,
        {
            "7": {"logprob": -4.0, "rank": 12, "decoded_token": "a"},
            "3": {"logprob": -0.5, "rank": 1, "decoded_token": "b"},
        },
        {"3": {"logprob": -0.5, "rank": 1, "decoded_token": "b"}},
    ]

    assert read_prompt(entries, [1, 7, 3], width=1) == (
        None,
        TokenLogprobs(7, -4.0, 12, ((3, -0.5),)),
        TokenLogprobs(3, -0.5, 1, ((3, -0.5),)),
    )


def test_a_token_that_is_as_likely_as_the_last_one_named_does_not_take_its_place() -> None:
    """The engine names the prompt's own token first."""
    entry = {"7": {"logprob": -0.5, "rank": 2}, "3": {"logprob": -0.5, "rank": 1}}

    assert read_prompt([entry], [7], width=1) == (TokenLogprobs(7, -0.5, 2, ((3, -0.5),)),)


def test_a_width_of_minus_one_takes_the_whole_vocabulary() -> None:
    entry = {str(token): {"logprob": -1.0 - token, "rank": token + 1} for token in range(4)}

    (only,) = read_prompt([entry], [2], width=-1)

    assert only == TokenLogprobs(2, -3.0, 3, ((0, -1.0), (1, -2.0), (2, -3.0), (3, -4.0)))


def test_a_row_is_in_the_order_of_ids() -> None:
    assert read_row({"token_id:3": -0.5, "token_id:0": -1.0}, fill=-9999.0) == [
        -1.0,
        -9999.0,
        -9999.0,
        -0.5,
    ]
