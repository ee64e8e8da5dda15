"""What requests for scores and distributions may say."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, WithJsonSchema

from portal.platform.core.wire import WireModel

Text = Annotated[
    Any,
    WithJsonSchema(
        {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "integer"}}]}
    ),
]
"""A text, or token ids."""
Token = Annotated[Any, WithJsonSchema({"anyOf": [{"type": "integer"}, {"type": "string"}]})]
"""A token's id, or a text that is one token."""


class Item(WireModel):
    """One context and what might follow it."""

    context: Text = Field(description="A text or token ids; empty for the model's document start.")
    continuations: list[Text] = Field(
        min_length=1, description="Texts or token ids that might follow the context."
    )


class ScoresRequest(WireModel):
    """The body of `POST /v1/scores`: one item, or `items`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    items: list[Item] | None = Field(
        default=None, min_length=1, description="Several contexts with their continuations."
    )
    context: Text = Field(default=None, description="Of the one item, where there is no `items`.")
    continuations: list[Text] | None = Field(
        default=None, min_length=1, description="Of the one item, where there is no `items`."
    )
    add_special_tokens: bool = Field(
        default=True, description="Whether a context that is text gets the beginning token."
    )
    prefix_token_id: int | None = Field(
        default=None,
        description="What stands for an empty context; left out, the tokenizer's `bos_token`, or "
        "its `eos_token` where it has none, as evaluation harnesses do it.",
    )


class DistributionsRequest(WireModel):
    """The body of `POST /v1/distributions`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: Text = Field(description="A text or token ids.")
    positions: list[int] = Field(
        default=[-1],
        min_length=1,
        description="After how many tokens of the prompt; negative ones count from its end, so "
        "that -1 is after the whole prompt.",
    )
    tokens: list[Token] = Field(
        default=[],
        description="Tokens whose rank and log-probability are named: ids, or texts of one token.",
    )
    top: int = Field(default=0, ge=0, le=1000, description="How many of the likeliest to name.")
    format: Literal["json", "npz", "safetensors"] = Field(
        default="json",
        description="json names entropy, tokens and top; the other two carry every "
        "log-probability as well.",
    )
    add_special_tokens: bool = Field(
        default=True, description="Whether a text gets the tokenizer's beginning token."
    )


class TokenizeRequest(WireModel):
    """The body of `POST /v1/tokenize`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: str = Field(max_length=1_000_000, description="The text.")
    add_special_tokens: bool = Field(
        default=True, description="Whether the text gets the tokenizer's beginning token."
    )
    return_token_strs: bool = Field(default=False, description="Name each token's text as well.")


class DetokenizeRequest(WireModel):
    """The body of `POST /v1/detokenize`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    tokens: list[int] = Field(max_length=100_000, description="Token ids.")
