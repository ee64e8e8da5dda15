"""What a request for a chat's next message may say, as the field's clients say it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from portal.completions.wire import StreamOptions, StructuredOutputs


class TextPart(BaseModel):
    """One part of a message; only texts are understood."""

    model_config = ConfigDict(extra="allow")

    type: str = Field(description="Only `text` is understood.")
    text: str | None = Field(default=None, description="The part's text.")


class ChatMessage(BaseModel):
    """One message of a conversation."""

    model_config = ConfigDict(extra="allow")

    role: Literal["system", "developer", "user", "assistant"] = Field(description="Who says it.")
    content: str | list[TextPart] = Field(description="A text, or parts that are texts.")


class ChatRequest(BaseModel):
    """The body of `POST /v1/chat/completions`. Every optional field may be null."""

    model_config = ConfigDict(extra="allow", populate_by_name=True)

    model: str = Field(description="An id that `GET /v1/models` names.")
    messages: list[ChatMessage] = Field(min_length=1, description="The conversation so far.")
    max_tokens: int | None = Field(
        default=None, ge=1, description="As much as the context holds if left out."
    )
    max_completion_tokens: int | None = Field(default=None, ge=1, description="The same.")
    temperature: float | None = Field(
        default=None,
        ge=0.0,
        le=2.0,
        description="0 always takes the likeliest token; 1 if left out.",
    )
    top_p: float | None = Field(
        default=None,
        gt=0.0,
        le=1.0,
        description="Draw from the likeliest tokens that together reach this; 1 if left out.",
    )
    n: int | None = Field(default=None, ge=1, le=128, description="How many answers.")
    stream: bool | None = Field(default=None, description="Answer piece by piece.")
    stream_options: StreamOptions | None = Field(default=None, description="With `stream`.")
    logprobs: bool | None = Field(default=None, description="Give each token's log-probability.")
    top_logprobs: int | None = Field(
        default=None, ge=0, description="How many of the likeliest tokens to name; at most 100."
    )
    stop: str | list[str] | None = Field(default=None, description="At most 16.")
    presence_penalty: float | None = Field(
        default=None,
        ge=-2.0,
        le=2.0,
        description="Above 0, a token that has appeared becomes less likely.",
    )
    frequency_penalty: float | None = Field(
        default=None,
        ge=-2.0,
        le=2.0,
        description="Above 0, each repetition makes a token less likely.",
    )
    logit_bias: dict[str, float] | None = Field(
        default=None, description="Token id to a value from -100 to 100, added to its logit."
    )
    seed: int | None = Field(default=None, description="Drawn by the server if left out.")
    user: str | None = Field(default=None, description="Ignored: a key belongs to one person.")
    tools: list[dict[str, Any]] | None = Field(default=None, description="Not supported.")
    top_k: int | None = Field(
        default=None, ge=-1, description="Draw from so many of the likeliest; 0 or -1 for no limit."
    )
    min_p: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Leave out tokens less likely than this share of the likeliest one.",
    )
    repetition_penalty: float | None = Field(
        default=None,
        gt=0.0,
        le=2.0,
        description="Above 1, tokens of prompt and text become less likely.",
    )
    min_tokens: int | None = Field(default=None, ge=0, description="Do not stop before so many.")
    ignore_eos: bool | None = Field(default=None, description="Go on behind the end-of-text token.")
    stop_token_ids: list[int] | None = Field(
        default=None, description="Stop at any of these tokens."
    )
    allowed_token_ids: list[int] | None = Field(
        default=None, description="Draw from these tokens only."
    )
    bad_words: list[str] | None = Field(default=None, description="Never write any of these.")
    structured_outputs: StructuredOutputs | None = Field(
        default=None, description="What the text has to look like; exactly one of the three."
    )
    return_token_ids: bool | None = Field(
        default=None, description="Name the token ids of each choice."
    )
