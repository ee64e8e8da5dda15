"""The events of a job's stream."""

from __future__ import annotations

from typing import Annotated, Final, Literal, NamedTuple

from pydantic import Field, TypeAdapter

from inference_workers.contract.codes import CancelReason, FailureCode, FinishReason
from inference_workers.contract.message import Message


class TokenLogprobs(NamedTuple):
    """One token in the distribution that it was drawn from or looked up in.

    Log-probabilities are natural logarithms of the model's own distribution, before temperature
    and penalties. Minus infinity is -9999.0, because JSON has no infinity.
    """

    id: int
    logprob: float
    rank: int | None
    """1 for the likeliest; None if the engine does not report it."""
    top: tuple[tuple[int, float], ...] = ()
    """The requested number of the likeliest tokens, likeliest first."""


class Usage(Message):
    """The engine's token counts."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class Started(Message):
    """A worker has taken the job. May appear again when another worker continues it."""

    type: Literal["started"] = "started"
    worker: str
    attempt: int
    prompt_tokens: int


class Scored(Message):
    """The prompt as the model saw it, if its log-probabilities were requested.

    Sent before any token. `logprobs[i]` belongs to `token_ids[i]`; the first has none.
    """

    type: Literal["scored"] = "scored"
    token_ids: tuple[int, ...]
    logprobs: tuple[TokenLogprobs | None, ...]


class Row(Message):
    """One whole distribution is ready: the model's after `position` tokens of the prompt.

    Its values are under `row_key`, one float32 (little-endian) for each token id.
    """

    type: Literal["row"] = "row"
    position: int = Field(ge=1)
    width: int = Field(ge=1)


class Delta(Message):
    """More text. `offset` is the count of completion tokens before this event.

    `text` may be empty while the engine holds back bytes of an incomplete character.
    `logprobs` has an entry for each token if they were requested, and is empty otherwise.
    """

    type: Literal["delta"] = "delta"
    offset: int = Field(ge=0)
    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[TokenLogprobs, ...] = ()


class Snapshot(Message):
    """The whole completion so far; replaces everything that a reader has.

    Sent when the stream was rebuilt because the broker lost its data.
    """

    type: Literal["snapshot"] = "snapshot"
    text: str
    token_ids: tuple[int, ...]
    logprobs: tuple[TokenLogprobs, ...] = ()
    scored: Scored | None = None
    rows: tuple[Row, ...] = ()


class Done(Message):
    """Terminal: the model finished."""

    type: Literal["done"] = "done"
    finish_reason: FinishReason
    usage: Usage


class Failed(Message):
    """Terminal: the job failed. `detail` is for operators and never shown to a reader."""

    type: Literal["failed"] = "failed"
    code: FailureCode
    detail: str = ""


class Cancelled(Message):
    """Terminal: the job was stopped. `freed_ms` is the time from the request to a free engine."""

    type: Literal["cancelled"] = "cancelled"
    reason: CancelReason
    freed_ms: int | None = None


Event = Annotated[
    Started | Scored | Row | Delta | Snapshot | Done | Failed | Cancelled,
    Field(discriminator="type"),
]
TerminalEvent = Annotated[Done | Failed | Cancelled, Field(discriminator="type")]

EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)
