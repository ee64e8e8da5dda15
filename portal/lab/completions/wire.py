"""The completion request, as OpenAI's clients send it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from portal.platform.core.wire import LARGEST_COUNT, Count, OpenWireModel, Texts, WireModel

LARGEST_SEED: Final = 2**63 - 1
BAD_WORDS_MOST: Final = 128
"""vLLM's limit."""

PROMPT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        {"type": "null"},
    ],
    "description": "A text, a list of texts, a list of token ids, or a list of such lists. Token "
    "ids are used exactly as sent. If left out, the model begins a document.",
}


class StreamOptions(OpenWireModel):
    """What a stream contains in addition to the text."""

    include_usage: bool = Field(
        default=False, description="End with a piece that has the token counts."
    )


class StructuredOutputs(WireModel):
    """The structure that the completion must have; exactly one of the three."""

    regex: str | None = Field(default=None, description="The whole text matches it.")
    choice: list[str] | None = Field(
        default=None, min_length=1, description="The text is one of these."
    )
    json_schema: dict[str, Any] | None = Field(
        default=None, alias="json", description="The text is JSON that fits this schema."
    )


class JsonFormat(WireModel):
    """A JSON schema under a name, as OpenAI's clients send it."""

    json_schema: dict[str, Any] = Field(
        alias="schema", description="The text is JSON that fits this schema."
    )
    name: str | None = Field(default=None, description="For your own use; it has no effect.")
    description: str | None = Field(
        default=None, description="For your own use; the model does not see it."
    )
    strict: bool | None = Field(default=None, description="Ignored: the schema always holds.")


class ResponseFormat(WireModel):
    """The structure that the text must have, in OpenAI's terms."""

    type: Literal["text", "json_object", "json_schema"] = Field(
        description="`json_object` for any JSON object, `json_schema` for JSON that fits a schema."
    )
    json_schema: JsonFormat | None = Field(
        default=None, description="Required with type `json_schema`, and allowed only with it."
    )


class GenerationFields(OpenWireModel):
    """Parameters of generation, for completions and chats. Every optional field may be null."""

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
    n: int | None = Field(
        default=None, ge=1, le=128, description="Number of choices for each prompt."
    )
    stream: bool | None = Field(default=None, description="Send the response piece by piece.")
    stream_options: StreamOptions | None = Field(default=None, description="Only with `stream`.")
    stop: Texts | None = Field(default=None, description="Stop sequences; at most 16.")
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
        default=None,
        description="Maps token ids to values from -100 to 100, which are added to the logits.",
    )
    seed: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_SEED,
        description="Drawn by the server if left out, and named in the receipt.",
    )
    response_format: ResponseFormat | None = Field(
        default=None, description="The same as `structured_outputs`, in OpenAI's terms; not both."
    )
    # Fields that the hosted APIs do not have.
    top_k: int | None = Field(
        default=None,
        ge=-1,
        le=LARGEST_COUNT,
        description="Draw from this many of the likeliest tokens; 0 or -1 for no limit.",
    )
    min_p: float | None = Field(
        default=None,
        ge=0.0,
        le=1.0,
        description="Exclude tokens less likely than this share of the likeliest token.",
    )
    repetition_penalty: float | None = Field(
        default=None,
        gt=0.0,
        le=2.0,
        description="Above 1, tokens of the prompt and the text become less likely.",
    )
    min_tokens: Count | None = Field(
        default=None, description="Do not stop before this many tokens; at most `max_tokens`."
    )
    ignore_eos: bool | None = Field(
        default=None, description="Continue after the end-of-text token."
    )
    stop_token_ids: list[int] | None = Field(
        default=None, description="Stop at any of these tokens."
    )
    allowed_token_ids: list[int] | None = Field(
        default=None, min_length=1, description="Draw from these tokens only."
    )
    bad_words: list[str] | None = Field(
        default=None, max_length=BAD_WORDS_MOST, description="Never write any of these."
    )
    structured_outputs: StructuredOutputs | None = Field(
        default=None, description="The structure that the text must have; exactly one of the three."
    )
    return_token_ids: bool | None = Field(
        default=None, description="Return the token ids of each choice."
    )


class PromptFields(OpenWireModel):
    """The model, and the prompt to complete."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: Annotated[Any, WithJsonSchema(PROMPT_SCHEMA)] = None
    max_tokens: Count | None = Field(
        default=None, description="The most tokens to generate; 16 if left out."
    )


class CompletionRequest(GenerationFields, PromptFields):
    """The body of `POST /v1/completions`. Every optional field may be null."""

    best_of: int | None = Field(
        default=None,
        ge=1,
        le=128,
        description="Number of samples for each prompt; the `n` with the highest mean "
        "log-probability are returned.",
    )
    logprobs: Count | None = Field(
        default=None, description="How many of the likeliest tokens to return for each token."
    )
    echo: bool | None = Field(default=None, description="Begin the text with the prompt.")
    prompt_logprobs: int | None = Field(
        default=None,
        ge=-1,
        le=LARGEST_COUNT,
        description="The same as `logprobs`, for the prompt; -1 for the whole vocabulary.",
    )
    add_special_tokens: bool | None = Field(
        default=None,
        description="Whether texts get the tokenizer's beginning-of-text token; true if left out.",
    )


class EngineCompletionRequest(CompletionRequest):
    """The same request, with the model named in the address."""

    model: str = Field(default="", description="Ignored: the address names the model.")
