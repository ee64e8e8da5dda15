"""The real clients in common use, unchanged, on the running demo, and their numbers."""

from __future__ import annotations

import os
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from benchmarks.stack import Shape, Stack, running_stack
from tests.e2e.client_programs import run_client
from tests.e2e.evaluations import (
    VARIANTS,
    evaluate,
    greedy_flags,
    largest_difference_a_token,
    texts,
)
from tests.e2e.stack import DemoStack
from tests.inference_workers.real_engine import WEIGHTS_DIR, run_tool
from tests.template import migrated_database

pytestmark = [pytest.mark.engine]

PARIS = " Paris.\n\nThe answer"
COUNTED = " or three-digit numbers,"
CALM_OPT = "calm-opt"
"""Its weights have a narrow spread, so float32 agrees to 1e-5."""


@pytest.fixture(scope="module")
def card(demo_stack: DemoStack) -> dict[str, str]:
    demo_stack.wait_until_the_engine_is_ready()
    return {"url": demo_stack.url, **demo_stack.card}


def test_openai(card: dict[str, str]) -> None:
    seen = run_client("openai_client", card["url"], card["api_key"], card["model"], "--chat")

    assert seen["models"] == [card["model"]]
    assert seen["model"] == card["model"]
    assert seen["whole"] == {
        "texts": [PARIS, COUNTED],
        "indexes": [0, 1],
        "reasons": ["length", "length"],
        "tokens": [" Paris", ".", "\n", "\n", "The", " answer"],
        "widths": [2] * 6,
        "usage": {"prompt_tokens": 9, "completion_tokens": 12},
        "request_id": True,
        "extras": ["gatehouse"],
    }
    assert seen["streamed"] == {"text": PARIS, "reasons": ["length"], "usages": [6], "ids": 1}
    assert (seen["raw"]["status"], seen["raw"]["text"]) == (200, " Paris")
    assert seen["raw"]["headers"] == [
        "openai-processing-ms",
        "x-ratelimit-limit-bytes",
        "x-ratelimit-limit-requests",
        "x-ratelimit-limit-tokens",
        "x-ratelimit-remaining-bytes",
        "x-ratelimit-remaining-requests",
        "x-ratelimit-remaining-tokens",
        "x-ratelimit-reset-bytes",
        "x-ratelimit-reset-tokens",
        "x-request-id",
    ]
    assert set(seen["chosen"]["texts"]) <= {" Paris", " Rome"}
    assert (seen["chosen"]["is_ranked"], seen["chosen"]["has_ids"]) == (True, True)
    assert seen["refused"] == {
        "too_long": ["context_length_exceeded", "max_tokens", True],
        "suffix": ["unsupported_parameter", "suffix", True],
        "empty": ["invalid_value", "prompt", True],
        "model": ["model_not_found", "model", True],
    }
    assert seen["unknown_key"] == ["invalid_api_key", 401]
    assert seen["chat"] == {
        "role": "assistant",
        "is_same_streamed": True,
        "has_text": True,
        "logprobs": True,
    }
    assert seen["async"][5] == PARIS
    assert all(
        longer.startswith(text)
        for text, longer in zip(seen["async"], seen["async"][1:], strict=False)
    )


def test_litellm_and_langchain(card: dict[str, str]) -> None:
    seen = run_client("other_clients", card["url"], card["api_key"], card["model"])

    assert seen["litellm"] == {
        "texts": [PARIS, COUNTED],
        "tokens": 6,
        "streamed": PARIS,
        "usage": 12,
    }
    assert seen["langchain"] == {
        "invoked": PARIS,
        "batch": [PARIS, COUNTED],
        "streamed": PARIS,
        "generated": [[PARIS, PARIS], [COUNTED, COUNTED]],
        "usage": 24,
    }


CITY = {"country": "France", "inhabitants": 21188222}
SAID = "The capital of France is Paris."
STRUCTURED = {
    "outlines": {"vllm": CITY, "openai": CITY, "regex": "LAS-31", "choice": "Paris", "text": SAID},
    "instructor": {"JSON": {"title": "Paris", "type": "city"}, "JSON_SCHEMA": CITY},
    "guidance": {"has_answer": True, "place": ["country"]},
    "dspy": {
        "chat": [SAID],
        "text": ["\n\nThe answer is: BEGIN RESPONSE\n\nThe answer is: BEGIN RESPONSE"],
    },
    "llm": {
        "chat": SAID,
        "whole": SAID,
        "text": " Paris.\n\nThe answer is: 2018-01-22 12:1",
        "schema": CITY,
    },
    "inspect_ai": {
        "said": ["success", [8, True, SAID]],
        "chosen": ["success", [7, True, "The answer is B) Paris"]],
    },
}


@pytest.fixture(scope="module")
def structured(
    card: dict[str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Any]]]:
    """What each client saw. One on each core, because most of their time is imports."""

    def run(client: str) -> Any:
        home = str(tmp_path_factory.mktemp(client))
        return run_client(
            "structure_clients",
            *(card["url"], card["api_key"], card["model"], client),
            env={"HOME": home, "LLM_USER_PATH": home},
        )

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        yield {client: pool.submit(run, client) for client in STRUCTURED}


@pytest.mark.parametrize("client", STRUCTURED)
def test_clients_that_build_on_chats_and_structure(
    structured: dict[str, Future[Any]], client: str
) -> None:
    assert structured[client].result() == STRUCTURED[client]


def test_a_batch_of_openai(card: dict[str, str]) -> None:
    seen = run_client("batch_client", card["url"], card["api_key"], card["model"])

    assert seen == {
        "status": "completed",
        "counts": {"total": 3, "completed": 2, "failed": 1},
        "results": {"greedy": PARIS, "scored": COUNTED},
        "errors": {"too long": "context_length_exceeded"},
        "listed": True,
        "is_file_gone": True,
    }


def test_lm_eval_finds_what_it_finds_with_transformers(
    card: dict[str, str], tmp_path: Path
) -> None:
    found = evaluate(
        Path(card["weights"]),
        url=card["url"],
        key=card["api_key"],
        model=card["model"],
        variants=VARIANTS,
        cache=tmp_path,
    )

    reference = found.pop("transformers")
    assert len(reference["choice"]) == 12
    for variant in found.values():
        assert variant["accuracy"] == reference["accuracy"]
        assert largest_difference_a_token(variant, reference) <= 1e-3
        assert greedy_flags(variant) == greedy_flags(reference)
        assert texts(variant) == texts(reference)


def test_numbers_are_those_of_the_harness_and_of_the_text(card: dict[str, str]) -> None:
    seen = run_client(
        "numbers_client", card["weights"], card["url"], card["api_key"], card["model"]
    )

    scores, harness = seen["scores"], seen["harness"]
    assert scores["context"] == {
        "token_ids": [harness["prefix"]],
        "tokens": ["<|im_start|>"],
        "chosen_by": "tokenizer_config",
    }
    assert scores["pinned"]["chosen_by"] == "request"
    # Hidden states of this model reach 7,900: a token's float32 noise is 1e-3.
    assert scores["sums"] == pytest.approx(harness["sums"], abs=1e-2)
    assert scores["is_greedy"] == harness["is_greedy"]
    first, second = seen["offsets"]
    assert first["text_offset"] == first["streamed"] == [0, 2, 12, 17]
    assert second["text_offset"] == second["streamed"] == [0, 13, 14]
    assert (first["text"][:17], second["text"][:14]) == ("Hi<|im_end|>there", "<|endoftext|>x")
    assert isinstance(seen["formatted"]["a"], int)


@pytest.fixture(scope="module")
def opt_stack(demo_stack: DemoStack, migrated: str) -> Iterator[Stack]:
    run_tool("make_tiny_opt.py", str(WEIGHTS_DIR / CALM_OPT), "--init-std", "0.06")
    shape = Shape(people=1, slots=16, rate=None, weights=CALM_OPT)
    with (
        migrated_database("gatehouse_opt", template=migrated) as url,
        running_stack(shape, database_url=url) as stack,
    ):
        yield stack


@pytest.fixture(scope="module")
def opt_found(opt_stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Both ways, with the beginning token and without: four variants of one run of the harness."""
    arguments = {str(bos): {"arguments": {"add_bos_token": bos}} for bos in (False, True)}
    return evaluate(
        WEIGHTS_DIR / CALM_OPT,
        url=opt_stack.url,
        key=(opt_stack.place.var / "api_key").read_text().strip(),
        model="smollm2-135m",
        variants={
            **{f"transformers {bos}": {"model": "hf", **some} for bos, some in arguments.items()},
            **{
                f"api {bos}": {"model": "api", "batch_size": 16, **some}
                for bos, some in arguments.items()
            },
        },
        cache=tmp_path_factory.mktemp("datasets"),
    )


@pytest.mark.parametrize("add_bos_token", [False, True])
def test_opt_agrees_with_its_beginning_token_and_without(
    opt_found: dict[str, Any], add_bos_token: bool
) -> None:
    """OPT's tokenizer begins every text with `</s>`; ids must get no additional one."""
    api, reference = (opt_found[f"{kind} {add_bos_token}"] for kind in ("api", "transformers"))

    assert largest_difference_a_token(api, reference) <= 1e-5
    assert greedy_flags(api) == greedy_flags(reference)
    assert api["accuracy"] == reference["accuracy"]
