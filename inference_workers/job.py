"""A job while this worker runs it."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass, field
from enum import Enum, auto
from uuid import UUID

from opentelemetry.trace import Span, get_current_span
from pydantic_core import to_json

from inference_workers.contract import (
    VERSION,
    CancelReason,
    Delta,
    Event,
    GenerationRequest,
    Row,
    Scored,
    Snapshot,
    TerminalEvent,
    TokenLogprobs,
    Usage,
    stream_key,
)

PROOF_TOKENS = 4
"""A request that kills an engine mostly does so while its prompt is read, or soon after."""


class Interruption(Enum):
    """Why a job's coroutine must stop although the model has not finished."""

    CANCELLED = auto()
    FENCED = auto()
    """Another worker holds the lease, or the job has ended: write nothing more."""
    HANDED_OVER = auto()
    """This worker is shutting down; another one continues the job."""


@dataclass(eq=False, slots=True)
class GrowingDelta:
    """A delta that collects tokens until it is written."""

    offset: int
    text: str
    token_ids: list[int]
    logprobs: list[TokenLogprobs] = field(default_factory=list)

    def model_dump_json(self) -> str:
        """The delta as JSON for the stream; without log-probabilities, it has no field for them."""
        if not self.logprobs:
            # The same output as from `Delta`, without the cost of creating and validating one.
            fields = {
                "v": VERSION,
                "type": "delta",
                "offset": self.offset,
                "text": self.text,
                "token_ids": self.token_ids,
            }
            return to_json(fields).decode()
        return Delta(
            offset=self.offset,
            text=self.text,
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self.logprobs),
        ).model_dump_json()


@dataclass(eq=False, slots=True)
class RunningJob:
    """Everything known about one job. Only the event loop's thread uses it."""

    request: GenerationRequest
    started_at: float = field(default_factory=time.monotonic)
    prompt_ids: tuple[int, ...] = ()
    prompt_tokens: int = 0
    token_ids: list[int] = field(default_factory=list)
    text: str = ""
    logprobs: list[TokenLogprobs] = field(default_factory=list)
    scored: Scored | None = None
    rows: dict[int, Row] = field(default_factory=dict)
    first_token_ms: int | None = None
    end: TerminalEvent | None = None
    interruption: Interruption | None = None
    cancel_reason: CancelReason | None = None
    engine_deaths: int = 0
    """Number of engines that died with this job since it last proved harmless."""
    proof_tokens: int = PROOF_TOKENS
    """Tokens made in one go that prove it harmless; more if engines died late."""
    cancelled_at: float = 0.0
    lease_renewed_at: float = field(default_factory=time.monotonic)
    # For `metrics`.
    span: Span = field(default_factory=get_current_span)
    tokens_made: int = 0
    """Tokens made by this worker; `token_ids` also holds those of previous workers."""
    tokens_metered: int = 0
    metered_at: float = 0.0
    # The publisher's view of the stream.
    stream_key: str = field(init=False)
    pending: list[Event | GrowingDelta] = field(default_factory=list)
    last_entry_id: str = ""
    """Id of the newest entry known to be in the stream; empty if there is none."""
    is_uncertain: bool = False
    """The connection broke while events were being sent; the stream shows which arrived."""
    in_flight: int = 0
    expiry_set_at: float = 0.0
    tokens_written_at: float = 0.0
    """When the latest write with tokens began."""
    interrupted: asyncio.Event = field(default_factory=asyncio.Event)
    published: asyncio.Event = field(default_factory=asyncio.Event)
    """Set when the terminal event is in the stream, or another process has ended the job."""

    def __post_init__(self) -> None:
        self.stream_key = stream_key(self.request.job_id)

    @property
    def job_id(self) -> UUID:
        return self.request.job_id

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=self.prompt_tokens, completion_tokens=len(self.token_ids))

    def snapshot(self) -> Snapshot:
        """Everything so far, for a stream that starts again."""
        return Snapshot(
            text=self.text,
            token_ids=tuple(self.token_ids),
            logprobs=tuple(self.logprobs),
            scored=self.scored,
            rows=tuple(self.rows.values()),
        )

    @property
    def is_fenced(self) -> bool:
        return self.interruption is Interruption.FENCED

    def interrupt(self, interruption: Interruption) -> None:
        """Stop the job's coroutine. FENCED overrides others; otherwise the first one counts."""
        if self.interruption is None or interruption is Interruption.FENCED:
            self.interruption = interruption
        self.interrupted.set()

    def cancel(self, reason: CancelReason) -> None:
        if self.interruption is None:
            self.cancel_reason = reason
            self.cancelled_at = time.monotonic()
        self.interrupt(Interruption.CANCELLED)


class JobSet:
    """The jobs whose leases this worker holds: running jobs, and ended ones not yet recorded."""

    def __init__(self) -> None:
        self._jobs: dict[UUID, RunningJob] = {}

    def add(self, job: RunningJob) -> None:
        self._jobs[job.job_id] = job

    def discard(self, job: RunningJob) -> None:
        if self._jobs.get(job.job_id) is job:
            del self._jobs[job.job_id]

    def get(self, job_id: UUID) -> RunningJob | None:
        return self._jobs.get(job_id)

    def all(self) -> list[RunningJob]:
        # Copied first, because the metrics read this from another thread.
        return [job for job in list(self._jobs.values()) if not job.is_fenced]

    def running(self) -> list[RunningJob]:
        """The jobs that have not ended."""
        return [job for job in self.all() if job.end is None]

    def any_in_doubt(self) -> bool:
        return any(job.lease_renewed_at == 0.0 for job in self.all())
