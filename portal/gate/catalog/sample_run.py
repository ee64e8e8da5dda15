"""The format of a release's sample run: a part of a real run's receipt, with the tokens' texts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Self

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, ValidationError, model_validator

Text = Annotated[str, Field(max_length=4000)]
Name = Annotated[str, Field(min_length=1, max_length=300)]
TokenId = Annotated[int, Field(ge=0, strict=True)]
Logprob = Annotated[float, Field(le=0, allow_inf_nan=False)]


class Part(BaseModel):
    """Base of every object: immutable, unknown keys refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Choice(Part):
    """A token that the model could choose. `logprob` is its natural log-probability."""

    id: TokenId
    text: Text
    logprob: Logprob


class Token(Choice):
    """A token that was generated; `text` is its part of the completion, and `top` the likeliest."""

    rank: Annotated[int, Field(ge=1, strict=True)] | None = None
    top: Annotated[tuple[Choice, ...], Field(max_length=20)]


class Provenance(Part):
    """What made the run."""

    engine: Name
    engine_version: Name
    weights: Name
    dtype: Name


class SampleReceipt(Part):
    """One run of one of the release's models, that every visitor may read."""

    id: Name
    model: Name
    created_at: AwareDatetime
    sampling: Mapping[Name, bool | int | float | str]
    prompt: Annotated[Text, Field(min_length=1)]
    tokens: Annotated[tuple[Token, ...], Field(min_length=1, max_length=200)]
    provenance: Provenance

    @model_validator(mode="after")
    def require_text(self) -> Self:
        if not "".join(token.text for token in self.tokens).strip():
            raise ValueError("tokens: their texts are blank")
        return self


def parse_sample_receipt(text: str) -> SampleReceipt:
    """Raises `ValueError` with one message, which names every wrong field."""
    try:
        return SampleReceipt.model_validate_json(text)
    except ValidationError as error:
        raise ValueError("; ".join(map(_describe_problem, error.errors()))) from None


def _describe_problem(problem: Mapping[str, object]) -> str:
    message = str(problem["msg"]).removeprefix("Value error, ")
    location = problem["loc"]
    field = ".".join(map(str, location)) if isinstance(location, tuple) else ""
    return f"{field}: {message}" if field else message
