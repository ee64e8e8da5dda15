"""Tokens with log-probabilities that add up without rounding, and asking for scores."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tokenizers import Tokenizer

from inference_workers.contract import TokenizerConfig, TokenLogprobs, tokenizer_config_key
from inference_workers.contract import tokenizer_key as key_of_tokenizer
from portal.lab.jobs.domain.tokens import forget_tokenizers
from tests.lab.api.conftest import Laboratory, LookUp, ids_of


def publish(laboratory: Laboratory, config: TokenizerConfig | None) -> None:
    """What the workers say of the model's special tokens; None for workers that say nothing."""
    key = tokenizer_config_key(laboratory.model.deployment)
    if config is None:
        laboratory.valkey.delete(key)
    else:
        laboratory.valkey.set(key, config.model_dump_json())
    forget_tokenizers()


def publish_tokenizer(laboratory: Laboratory, tokenizer: Tokenizer) -> None:
    """What the portal tokenizes with from now on; the laboratory's worker keeps its own."""
    laboratory.valkey.set(key_of_tokenizer(laboratory.model.deployment), tokenizer.to_str())
    forget_tokenizers()


def worth(values: Mapping[str, float], *, greedy: str = "") -> LookUp:
    """Each letter's log-probability, whatever comes before; those of `greedy` are the likeliest."""
    known = {ids_of(letter)[0]: value for letter, value in values.items()}
    first = set(ids_of(greedy))
    return lambda token, width: TokenLogprobs(
        token, known.get(token, -100.0), 1 if token in first else 7
    )


async def ask(laboratory: Laboratory, **body: Any) -> Any:
    """The response to a request for scores, answered by the laboratory's worker."""
    async with laboratory.working():
        return await laboratory.client.ask(
            "/v1/scores", json={"model": laboratory.model.slug, **body}
        )


async def list_items(laboratory: Laboratory, **body: Any) -> list[dict[str, Any]]:
    """What it says of each item."""
    items: list[dict[str, Any]] = (await ask(laboratory, **body)).json()["data"]
    return items


async def refusal(laboratory: Laboratory, **body: Any) -> list[Any]:
    """Status, code and param."""
    response = await ask(laboratory, **body)
    error = response.json()["error"]
    return [response.status_code, error["code"], error["param"]]
