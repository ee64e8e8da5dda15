"""What a request for a chat's next message may say, as the field's clients say it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from portal.lab.completions.wire import GenerationFields
from portal.platform.core.wire import LARGEST_COUNT, AlsoText, Count, OpenWireModel


class TextPart(OpenWireModel):
    """One part of a message; only texts are understood."""

    type: str = Field(description="Only `text` is understood.")
    text: str | None = Field(default=None, description="The part's text.")


Content = Annotated[list[TextPart], AlsoText(lambda text: {"type": "text", "text": text})]


class ChatMessage(OpenWireModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"] = Field(description="Who says it.")
    content: Content = Field(description="A text, or parts that are texts.")


class ConversationFields(OpenWireModel):
    """Which model is to answer what."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    messages: list[ChatMessage] = Field(min_length=1, description="The conversation so far.")
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_COUNT,
        description="As much as the context holds if left out.",
    )
    max_completion_tokens: int | None = Field(
        default=None, ge=1, le=LARGEST_COUNT, description="The same."
    )


class ChatRequest(GenerationFields, ConversationFields):
    """The body of `POST /v1/chat/completions`. Every optional field may be null."""

    logprobs: bool | None = Field(default=None, description="Give each token's log-probability.")
    top_logprobs: Count | None = Field(
        default=None, description="How many of the likeliest tokens to name; at most 100."
    )
