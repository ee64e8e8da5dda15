"""What a request for a chat's next message may say, as the field's clients say it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from portal.completions.wire import GenerationFields


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


class ConversationFields(BaseModel):
    """Which model is to answer what."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    messages: list[ChatMessage] = Field(min_length=1, description="The conversation so far.")
    max_tokens: int | None = Field(
        default=None, ge=1, description="As much as the context holds if left out."
    )
    max_completion_tokens: int | None = Field(default=None, ge=1, description="The same.")


class ChatRequest(GenerationFields, ConversationFields):
    """The body of `POST /v1/chat/completions`. Every optional field may be null."""

    logprobs: bool | None = Field(default=None, description="Give each token's log-probability.")
    top_logprobs: int | None = Field(
        default=None, ge=0, description="How many of the likeliest tokens to name; at most 100."
    )
    tools: list[dict[str, Any]] | None = Field(default=None, description="Not supported.")
