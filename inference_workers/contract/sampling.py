"""The parameters of a generation."""

from __future__ import annotations

import json
from typing import Annotated, Any, Self

from pydantic import BeforeValidator, Field, PlainSerializer, model_validator

from inference_workers.contract.message import Message

TokenId = Annotated[int, Field(ge=0)]
FULL_VOCABULARY = -1
"""As a width of log-probabilities: every token in the vocabulary."""


def _read_schema(value: Any) -> Any:  # noqa: ANN401 -- whatever the message holds
    return json.loads(value) if isinstance(value, str) else value


Schema = Annotated[
    dict[str, Any],
    BeforeValidator(_read_schema),
    PlainSerializer(json.dumps, return_type=str, when_used="json"),
]
"""Stored as text: PostgreSQL would sort the properties, whose order the completion follows."""


class Structure(Message):
    """The required form of the completion; exactly one of the three fields."""

    regex: str | None = None
    choice: tuple[str, ...] = ()
    json_schema: Schema | None = None

    @model_validator(mode="after")
    def require_one(self) -> Self:
        named = [self.regex is not None, bool(self.choice), self.json_schema is not None]
        if named.count(True) != 1:
            raise ValueError("give exactly one of regex, choice and json_schema")
        return self


class SamplingParams(Message):
    """The researcher's parameters, with their usual names and never rounded.

    `top_k` 0 means no limit. With `seed` None, the engine draws one. With `max_tokens` 0, the
    prompt is only scored.
    """

    max_tokens: int = Field(ge=0)
    temperature: float = Field(default=1.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=0, ge=0)
    min_p: float = Field(default=0.0, ge=0.0, le=1.0)
    presence_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    frequency_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    repetition_penalty: float = Field(default=1.0, gt=0.0, le=2.0)
    stop: tuple[str, ...] = ()
    stop_token_ids: tuple[TokenId, ...] = ()
    min_tokens: int = Field(default=0, ge=0)
    ignore_eos: bool = False
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)
    logit_bias: dict[TokenId, Annotated[float, Field(ge=-100.0, le=100.0)]] = {}
    allowed_token_ids: tuple[TokenId, ...] = ()
    """The only tokens that may be generated; empty for all tokens."""
    bad_words: tuple[str, ...] = ()
    structure: Structure | None = None
    logprobs: int | None = Field(default=None, ge=0)
    """How many of the likeliest tokens to return with each generated one; None for no
    log-probabilities."""
    prompt_logprobs: int | None = Field(default=None, ge=FULL_VOCABULARY)
    """The same for each token of the prompt."""
    add_special_tokens: bool = True
    """Whether the tokenizer adds its special tokens to a text. Prompts of token ids are always
    used as they are."""
