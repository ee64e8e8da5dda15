"""Requests for scores, distributions and tokens."""

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
"""A token id, or a text that is one token."""


class Item(WireModel):
    """One context and its possible continuations."""

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
    context: Text = Field(default=None, description="The context, without `items`.")
    continuations: list[Text] | None = Field(
        default=None, min_length=1, description="The continuations, without `items`."
    )
    add_special_tokens: bool = Field(
        default=True, description="Whether a text as context gets the beginning-of-text token."
    )
    prefix_token_id: int | None = Field(
        default=None,
        description="The token that replaces an empty context; if left out, the tokenizer's "
        "`bos_token`, or its `eos_token` if there is none, as in evaluation harnesses.",
    )


class DistributionsRequest(WireModel):
    """The body of `POST /v1/distributions`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: Text = Field(description="A text or token ids.")
    positions: list[int] = Field(
        default=[-1],
        min_length=1,
        description="Numbers of prompt tokens after which to return a distribution; negative "
        "numbers count from the end, so that -1 is after the whole prompt.",
    )
    tokens: list[Token] = Field(
        default=[],
        description="Tokens whose rank and log-probability to return: ids, or texts of one token.",
    )
    top: int = Field(
        default=0, ge=0, le=1000, description="How many of the likeliest tokens to return."
    )
    format: Literal["json", "npz", "safetensors"] = Field(
        default="json",
        description="json has entropy, tokens and top; the other two also have all "
        "log-probabilities.",
    )
    add_special_tokens: bool = Field(
        default=True, description="Whether a text gets the tokenizer's beginning-of-text token."
    )


class TokenizeRequest(WireModel):
    """The body of `POST /v1/tokenize`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: str = Field(max_length=1_000_000, description="The text.")
    add_special_tokens: bool = Field(
        default=True, description="Whether the text gets the tokenizer's beginning-of-text token."
    )
    return_token_strs: bool = Field(default=False, description="Also return each token's text.")


class DetokenizeRequest(WireModel):
    """The body of `POST /v1/detokenize`."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    tokens: list[int] = Field(max_length=100_000, description="Token ids.")
