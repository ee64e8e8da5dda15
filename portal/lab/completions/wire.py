"""What a completion request may say, as the field's clients say it."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal

from pydantic import Field, WithJsonSchema

from portal.platform.core.wire import LARGEST_COUNT, Count, OpenWireModel, Texts, WireModel

LARGEST_SEED: Final = 2**63 - 1
BAD_WORDS_MOST: Final = 128
"""vLLM takes no more."""

PROMPT_SCHEMA: dict[str, Any] = {
    "anyOf": [
        {"type": "string"},
        {"type": "array", "items": {"type": "string"}},
        {"type": "array", "items": {"type": "integer"}},
        {"type": "array", "items": {"type": "array", "items": {"type": "integer"}}},
        {"type": "null"},
    ],
    "description": "A text, a list of texts, a list of token ids, or a list of such lists. Token "
    "ids are taken exactly as they are. Left out, the model begins a document.",
}


class StreamOptions(OpenWireModel):
    """What a stream carries beside the text."""

    include_usage: bool = Field(default=False, description="End with a piece that has the counts.")


class StructuredOutputs(WireModel):
    """What the completion has to look like; exactly one of the three."""

    regex: str | None = Field(default=None, description="The text matches it as a whole.")
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
    name: str | None = Field(default=None, description="Yours; nothing is made of it.")
    description: str | None = Field(default=None, description="Yours; the model does not see it.")
    strict: bool | None = Field(default=None, description="The schema always holds.")


class ResponseFormat(WireModel):
    """What the text has to look like, in OpenAI's words."""

    type: Literal["text", "json_object", "json_schema"] = Field(
        description="`json_object` for any JSON object, `json_schema` for one that fits a schema."
    )
    json_schema: JsonFormat | None = Field(
        default=None, description="With type `json_schema`, and only with it."
    )


class GenerationFields(OpenWireModel):
    """How to generate, whatever it is that is asked for. Every optional field may be null."""

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
    n: int | None = Field(default=None, ge=1, le=128, description="How many of each.")
    stream: bool | None = Field(default=None, description="Answer piece by piece.")
    stream_options: StreamOptions | None = Field(default=None, description="With `stream`.")
    stop: Texts | None = Field(default=None, description="At most 16.")
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
    seed: int | None = Field(
        default=None,
        ge=0,
        le=LARGEST_SEED,
        description="Drawn by the server if left out, and named in the receipt.",
    )
    response_format: ResponseFormat | None = Field(
        default=None, description="As `structured_outputs`, in OpenAI's words; not both."
    )
    # What the hosted APIs do not have.
    top_k: int | None = Field(
        default=None,
        ge=-1,
        le=LARGEST_COUNT,
        description="Draw from so many of the likeliest; 0 or -1 for no limit.",
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
    min_tokens: Count | None = Field(
        default=None, description="Do not stop before so many; at most `max_tokens`."
    )
    ignore_eos: bool | None = Field(default=None, description="Go on behind the end-of-text token.")
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
        default=None, description="What the text has to look like; exactly one of the three."
    )
    return_token_ids: bool | None = Field(
        default=None, description="Name the token ids of each choice."
    )


class PromptFields(OpenWireModel):
    """Which model is to complete what."""

    model: str = Field(description="An id that `GET /v1/models` names.")
    prompt: Annotated[Any, WithJsonSchema(PROMPT_SCHEMA)] = None
    max_tokens: Count | None = Field(default=None, description="16 if left out.")


class CompletionRequest(GenerationFields, PromptFields):
    """The body of `POST /v1/completions`. Every optional field may be null."""

    best_of: int | None = Field(
        default=None,
        ge=1,
        le=128,
        description="Samples of each prompt, of which the `n` with the highest mean "
        "log-probability are returned.",
    )
    logprobs: Count | None = Field(
        default=None, description="Likeliest tokens to name beside each token."
    )
    echo: bool | None = Field(default=None, description="Begin the text with the prompt.")
    prompt_logprobs: int | None = Field(
        default=None,
        ge=-1,
        le=LARGEST_COUNT,
        description="As `logprobs`, for the prompt; -1 for the vocabulary.",
    )
    add_special_tokens: bool | None = Field(
        default=None, description="Whether texts get the tokenizer's beginning token; true."
    )


class EngineCompletionRequest(CompletionRequest):
    """The same, where the address names the model."""

    model: str = Field(default="", description="Ignored: the address names the model.")
