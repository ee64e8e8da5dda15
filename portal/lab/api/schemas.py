"""Responses of the API, for the OpenAPI document."""

from __future__ import annotations

from datetime import datetime
from http import HTTPStatus
from typing import Any, Generic, Literal, TypeVar

from ninja import Schema
from pydantic import ConfigDict

Item = TypeVar("Item")
Id = TypeVar("Id")


class Open(Schema):
    """Responses may gain fields; a client ignores those it does not know."""

    model_config = ConfigDict(extra="allow")


class Page(Open, Generic[Item, Id]):
    """Some items of a list, and whether others follow."""

    object: Literal["list"]
    data: list[Item]
    first_id: Id | None
    last_id: Id | None
    has_more: bool


class ModelObject(Open):
    """A model that the key can use."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    name: str
    aliases: list[str]
    max_model_len: int
    status: str
    parameters: int
    max_logprobs: int | None
    provenance: dict[str, Any] | None


class ModelList(Open):
    """The models that are open to a key."""

    object: Literal["list"]
    data: list[ModelObject]


class ErrorDetail(Open):
    """What went wrong, and with which field."""

    message: str
    type: str
    param: str | None
    code: str | None


class ErrorBody(Open):
    """Every refusal has this body."""

    error: ErrorDetail


REFUSALS: dict[Any, Any] = dict.fromkeys((400, 401, 403, 404, 429, 500, 503), ErrorBody)


def answers(success: type[Schema]) -> dict[Any, Any]:
    """What a route may respond: this object, or a refusal."""
    return {HTTPStatus.OK: success, **REFUSALS}


class LogprobLists(Open):
    """One entry for each token; null where a token has no log-probability."""

    tokens: list[str]
    token_logprobs: list[float | None]
    top_logprobs: list[dict[str, float] | None]
    text_offset: list[int]


class Choice(Open):
    """One completion of one prompt."""

    index: int
    text: str
    finish_reason: Literal["stop", "length"] | None
    logprobs: LogprobLists | None
    job_id: str


class UsageCounts(Open):
    """Tokens of prompts and completions."""

    prompt_tokens: int
    completion_tokens: int
    total_tokens: int


class CompletionObject(Open):
    """The response to a request for completions."""

    id: str
    object: Literal["text_completion"]
    created: int
    model: str
    system_fingerprint: str | None
    choices: list[Choice]
    usage: UsageCounts
    gatehouse: dict[str, Any]


class ChatMessageObject(Open):
    """The model's message."""

    role: Literal["assistant"]
    content: str


class ChatChoice(Open):
    """One message of the model, and why it ended."""

    index: int
    message: ChatMessageObject
    finish_reason: Literal["stop", "length"] | None
    logprobs: dict[str, Any] | None


class ChatObject(Open):
    """The response to a request for a chat's next message."""

    id: str
    object: Literal["chat.completion"]
    created: int
    model: str
    system_fingerprint: str | None
    choices: list[ChatChoice]
    usage: UsageCounts


class ScoreList(Open):
    """Scores, item by item."""

    object: Literal["list"]
    id: str
    created: int
    model: str
    system_fingerprint: str | None
    jobs: list[str]
    data: list[dict[str, Any]]
    usage: UsageCounts


class DistributionList(ScoreList):
    """Summaries of distributions, position by position."""

    token_ids: list[int]
    tokens: list[str]
    vocabulary: int


class Tokenized(Open):
    """A text's token ids."""

    count: int
    max_model_len: int
    tokens: list[int]
    token_strs: list[str] | None


class Detokenized(Open):
    """The text of token ids."""

    prompt: str


class JobState(Open):
    """A run's state after a command."""

    id: str
    object: Literal["job"]
    state: str


class JobObject(JobState):
    """A run's receipt."""

    call_id: str | None
    model: str
    sampling: dict[str, Any]
    prompt_token_ids: list[int]
    token_ids: list[int]
    text: str
    usage: dict[str, int | None]
    provenance: dict[str, Any] | None


class UsageReportObject(Open):
    """The quota in tokens, over a sliding window."""

    object: Literal["usage"]
    quota: int
    used: int
    left: int
    first_back_at: datetime | None
    resets_at: datetime | None
    parallel_jobs: int
    under_way: int
    own_limits: list[dict[str, Any]]
    models: list[dict[str, Any]]


class Replay(Open):
    """A run compared with its repetition."""

    object: Literal["replay"]
    job: str
    replay: str
    is_identical: bool
    first_difference: dict[str, int | None] | None
    tokens: dict[str, int]
    provenance: dict[str, Any]


class FileObject(Open):
    """A file of requests or results."""

    id: str
    object: Literal["file"]
    bytes: int
    created_at: int
    expires_at: int
    filename: str
    purpose: Literal["batch", "batch_output"]
    status: Literal["processed"]


class FileList(Page[FileObject, str]):
    """One page of files."""


class FileDeleted(Open):
    """The file was erased."""

    id: str
    object: Literal["file"]
    deleted: bool


class RequestCounts(Open):
    """The present counts of a batch's requests."""

    total: int
    completed: int
    failed: int


class BatchObject(Open):
    """A batch of requests."""

    id: str
    object: Literal["batch"]
    endpoint: str
    model: str | None
    errors: dict[str, Any] | None
    input_file_id: str
    completion_window: str
    status: Literal[
        "validating",
        "failed",
        "in_progress",
        "finalizing",
        "completed",
        "expired",
        "cancelling",
        "cancelled",
    ]
    output_file_id: str | None
    error_file_id: str | None
    created_at: int
    expires_at: int
    in_progress_at: int | None
    finalizing_at: int | None
    completed_at: int | None
    failed_at: int | None
    expired_at: int | None
    cancelling_at: int | None
    cancelled_at: int | None
    request_counts: RequestCounts
    metadata: dict[str, str] | None
    gatehouse: dict[str, Any]


class BatchList(Page[BatchObject, str]):
    """One page of batches."""
