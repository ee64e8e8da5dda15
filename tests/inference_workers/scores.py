"""Log-probabilities of the real engine, compared with those of transformers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from inference_workers.broker.history import History
from inference_workers.contract import GenerationRequest, SamplingParams
from tests.inference_workers.real_engine import ask, run_tool


def look_up_with_transformers(
    weights: Path, requests: Sequence[dict[str, Any]]
) -> list[dict[str, Any]]:
    """For a list of {"token_ids", "width"}; see the tool."""
    replies: list[dict[str, Any]] = json.loads(
        run_tool("logprob_reference.py", str(weights), stdin=json.dumps(list(requests)))
    )
    return replies


def score(deployment: str, ids: Sequence[int], *, width: int, **sampling: Any) -> GenerationRequest:
    """A job that looks its prompt up and makes one token."""
    values = {"max_tokens": 1, "temperature": 0.0, "prompt_logprobs": width, "logprobs": width}
    return ask(deployment, "", 1).model_copy(
        update={
            "prompt_token_ids": tuple(ids),
            "sampling": SamplingParams.model_validate({**values, **sampling}),
        }
    )


def largest_difference(history: History, reference: dict[str, Any]) -> float:
    """The largest difference over all tokens, and over the most likely tokens at each position."""
    assert history.scored is not None
    entries = history.scored.logprobs
    assert entries[0] is None
    own: list[float] = [
        abs(entry.logprob - value)
        for entry, value in zip(entries[1:], reference["logprobs"][1:], strict=True)
        if entry
    ]
    named: list[float] = [
        abs(value - expected)
        for entry, top in zip(entries[1:], reference["top"], strict=True)
        if entry
        for (_, value), (_, expected) in zip(entry.top, top, strict=True)
    ]
    assert len(own) == len(entries) - 1
    return max([*own, *named])


def read_tokenizer(weights: Path) -> Tokenizer:
    return Tokenizer.from_file(str(weights / "tokenizer.json"))
