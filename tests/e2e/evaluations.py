"""An evaluation harness's results in two ways, compared."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.e2e.client_programs import run_client

VARIANTS: dict[str, dict[str, Any]] = {
    "transformers": {"model": "hf"},
    "one by one": {"model": "api"},
    "batches of 16": {"model": "api", "batch_size": 16},
    "8 at once": {"model": "api", "arguments": {"num_concurrent": 8}},
}


def evaluate(
    folder: Path,
    *,
    url: str,
    key: str,
    model: str,
    variants: dict[str, dict[str, Any]],
    cache: Path,
) -> dict[str, dict[str, Any]]:
    """The samples of each variant, task by task."""
    found: dict[str, dict[str, Any]] = run_client(
        "lm_eval_client",
        str(folder),
        url,
        model,
        stdin=variants,
        env={"OPENAI_API_KEY": key, "HF_DATASETS_CACHE": str(cache)},
    )
    return found


def largest_difference_a_token(one: dict[str, Any], other: dict[str, Any]) -> float:
    """The largest difference of log-likelihoods, each divided by its number of tokens."""
    choices: list[float] = [
        abs(a[0][0] - b[0][0])
        for x, y in zip(one["choice"], other["choice"], strict=True)
        for a, b in zip(x["answers"], y["answers"], strict=True)
    ]
    rolling: list[float] = [
        abs(a[0] - b[0]) / tokens_at_least(x["target"])
        for x, y in zip(one["rolling"], other["rolling"], strict=True)
        for a, b in zip(x["answers"], y["answers"], strict=True)
    ]
    return max([*choices, *rolling])


def tokens_at_least(text: str) -> int:
    """No tokenizer here makes fewer tokens than words."""
    return len(text.split())


def greedy_flags(found: dict[str, Any]) -> list[bool]:
    """The continuations that the harness found most likely."""
    return [answer[0][1] for sample in found["choice"] for answer in sample["answers"]]


def texts(found: dict[str, Any]) -> list[str]:
    return [answer[0] for sample in found["generate"] for answer in sample["answers"]]
