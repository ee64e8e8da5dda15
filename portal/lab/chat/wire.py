"""The request for a chat's next message, as OpenAI's clients send it."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from portal.lab.completions.wire import GenerationFields
from portal.platform.core.wire import LARGEST_COUNT, AlsoText, Count, OpenWireModel


class TextPart(OpenWireModel):
    """One part of a message; only text is supported."""

    type: str = Field(description="Only `text` is supported.")
    text: str | None = Field(default=None, description="The part's text.")


Content = Annotated[list[TextPart], AlsoText(lambda text: {"type": "text", "text": text})]


class ChatMessage(OpenWireModel):
    """One message of a conversation."""

    role: Literal["system", "developer", "user", "assistant"] = Field(description="The author.")
    content: Content = Field(description="A text, or a list of text parts.")


class ConversationFields(OpenWireModel):
    """The model, and the conversation to continue."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    messages: list[ChatMessage] = Field(min_length=1, description="The conversation so far.")
    max_tokens: int | None = Field(
        default=None,
        ge=1,
        le=LARGEST_COUNT,
        description="The most tokens to generate; if left out, as many as the context holds.",
    )
    max_completion_tokens: int | None = Field(
        default=None, ge=1, le=LARGEST_COUNT, description="The same as `max_tokens`."
    )


class ChatRequest(GenerationFields, ConversationFields):
    """The body of `POST /v1/chat/completions`. Every optional field may be null."""

    logprobs: bool | None = Field(default=None, description="Return each token's log-probability.")
    top_logprobs: Count | None = Field(
        default=None, description="How many of the likeliest tokens to return; at most 100."
    )
