"""The messages about one job."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from pydantic import Field

from inference_workers.contract.events import TerminalEvent, TokenLogprobs, Usage
from inference_workers.contract.message import Message
from inference_workers.contract.provenance import Provenance
from inference_workers.contract.sampling import SamplingParams, TokenId


class GenerationRequest(Message):
    """One job, as it is sent to the queue of its deployment."""

    job_id: UUID
    deployment: str
    prompt: str = ""
    prompt_token_ids: tuple[TokenId, ...] = ()
    """The prompt as exact ids; if given, `prompt` is empty."""
    sampling: SamplingParams
    positions: tuple[int, ...] = ()
    """Instead of a completion: the whole distribution after each of these prompt lengths."""
    attempt: int = Field(default=1, ge=1)
    priority: int = 0
    """As in vLLM: lower numbers are served first."""
    deadline_at: datetime
    """After this time the worker stops the job with DEADLINE_EXCEEDED."""


class JobStarted(Message):
    """A worker has started a job."""

    job_id: UUID
    worker: str
    attempt: int
    started_at: datetime
    prompt_tokens: int


class JobsStarted(Message):
    """Argument of TASK_RECORD_STARTED: jobs that one worker started at about the same time."""

    starts: tuple[JobStarted, ...]


class JobOutcome(Message):
    """Argument of TASK_RECORD_OUTCOME: how a job ended and everything it produced."""

    job_id: UUID
    worker: str
    attempt: int
    finished_at: datetime
    end: TerminalEvent
    text: str
    token_ids: tuple[int, ...]
    usage: Usage
    first_token_ms: int | None = None
    """From the worker's start of the job to its first token."""
    prompt_token_ids: tuple[int, ...] = ()
    logprobs: tuple[TokenLogprobs, ...] = ()
    prompt_logprobs: tuple[TokenLogprobs | None, ...] = ()
    provenance: Provenance | None = None


class ControlMessage(Message):
    """Sent on `control_channel`: check this job's cancel key now."""

    job_id: UUID
