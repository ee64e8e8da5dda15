"""Limits on what one call may cost the engine, so that no call slows down the others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from inference_workers.contract import FULL_VOCABULARY, SamplingParams
from portal.lab.jobs.domain.tokens import find_tokenizer, find_vocabulary
from portal.lab.jobs.domain.workers import engine_status
from portal.platform.core.errors import invalid_value

LOGPROBS_MOST: Final = 100
"""For each generated token. OpenAI allows 5, vLLM 20."""
PROMPT_LOGPROBS_MOST: Final = 600_000
"""Log-probabilities of prompts in one call, rows times width: twelve rows of a vocabulary of
50,000, or 512 prompts of a thousand tokens with the token's own. As JSON it is about 12 MB."""
LARGEST_VOCABULARY: Final = 262_144
"""Used as the vocabulary while the model's tokenizer is unknown."""


def require_affordable(
    sampling: SamplingParams, *, prompts: Sequence[int], deployment: str
) -> None:
    """Raise `DomainError` with the limit and the field; `prompts` are lengths in tokens."""
    if (sampling.logprobs or 0) > LOGPROBS_MOST:
        raise invalid_value(
            f"logprobs is {sampling.logprobs:,}; the limit is {LOGPROBS_MOST} for each token. "
            "For whole distributions use /v1/distributions.",
            field="logprobs",
        )
    _require_given("logprobs", sampling.logprobs, deployment=deployment)
    if sampling.prompt_logprobs is None:
        return
    vocabulary = find_vocabulary(deployment)
    if vocabulary is not None and sampling.prompt_logprobs > vocabulary:
        raise invalid_value(
            f"prompt_logprobs is {sampling.prompt_logprobs:,}, but the model has only "
            f"{vocabulary:,} tokens. Use -1 for all of them.",
            field="prompt_logprobs",
        )
    width = count_width(sampling.prompt_logprobs, deployment=deployment)
    rows = sum(prompts)
    if rows * width > PROMPT_LOGPROBS_MOST:
        raise invalid_value(
            f"{rows:,} prompt tokens with {width:,} log-probabilities each are "
            f"{rows * width:,}; the limit for a request is {PROMPT_LOGPROBS_MOST:,}. Ask for fewer "
            "for each token, or send fewer or shorter prompts.",
            field="prompt_logprobs",
        )
    _require_given("prompt_logprobs", sampling.prompt_logprobs, deployment=deployment)


def _require_given(field: str, asked: int | None, *, deployment: str) -> None:
    """Raise `DomainError` if the engines that serve the model return fewer."""
    most = engine_status(deployment).max_logprobs
    if not asked or most is None or most == FULL_VOCABULARY:
        return
    if asked == FULL_VOCABULARY or asked > most:
        raise invalid_value(
            f"{field} is {asked:,}; the limit of this model's engine is {most:,}.", field=field
        )


def count_width(logprobs: int, *, deployment: str) -> int:
    """The number of log-probabilities in one row, including the token's own."""
    if logprobs != FULL_VOCABULARY:
        return logprobs + 1
    if (vocabulary := find_vocabulary(deployment)) is not None:
        return vocabulary
    tokenizer = find_tokenizer(deployment)
    return tokenizer.get_vocab_size() if tokenizer else LARGEST_VOCABULARY
