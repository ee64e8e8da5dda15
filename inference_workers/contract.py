"""What the portal and the inference workers agree on: messages, names, keys.

This is the only module of `inference_workers` that the portal may import. It needs
pydantic and nothing else. Every message carries `v`; a reader refuses a version that it
does not know instead of guessing.
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

VERSION: Final = 1

TASK_GENERATE: Final = "inference_workers.generate"
TASK_RECORD_STARTED: Final = "portal.jobs.record_started"
TASK_RECORD_OUTCOME: Final = "portal.jobs.record_outcome"
QUEUE_PORTAL: Final = "portal"

LEASE_SECONDS: Final = 5
"""A worker that has not renewed a job's lease for this long has lost the job."""
LEASE_RENEWAL_SECONDS: Final = 1.5
STREAM_TTL_SECONDS: Final = 3600
"""How long a stream can be replayed after its last event; later the database row answers."""
HEARTBEAT_SECONDS: Final = 2
HEARTBEAT_TTL_SECONDS: Final = 10

WORKERS_KEY: Final = "gatehouse:workers"
"""Sorted set of worker ids, scored by the Unix time at which the heartbeat expires."""


def queue_for(deployment: str) -> str:
    """The Celery queue that carries the generation jobs of one deployment."""
    return f"gen.{deployment}"


def stream_key(job_id: UUID) -> str:
    """Redis Stream of the job's events; each entry has the one field `e`, the event as JSON."""
    return f"job:{{{job_id}}}:events"


def end_key(job_id: UUID) -> str:
    """Set once, by whoever publishes the terminal event; a second publisher loses."""
    return f"job:{{{job_id}}}:end"


def lease_key(job_id: UUID) -> str:
    """Held by the worker that runs the job: `<worker id>`, expiring after LEASE_SECONDS."""
    return f"job:{{{job_id}}}:lease"


def cancel_key(job_id: UUID) -> str:
    """Present when the job is to be stopped; its value is a `CancelReason`."""
    return f"job:{{{job_id}}}:cancel"


def engine_deaths_key(job_id: UUID) -> str:
    """How many engines died while they had the job; whoever continues it is careful."""
    return f"job:{{{job_id}}}:engine_deaths"


def recorded_key(job_id: UUID) -> str:
    """Set by the portal when the outcome is in the database; until then the worker repeats it."""
    return f"job:{{{job_id}}}:recorded"


def control_channel(deployment: str) -> str:
    """Pub/sub channel on which a worker hears `ControlMessage`s without waiting for a poll."""
    return f"control:{deployment}"


def worker_key(worker_id: str) -> str:
    """The worker's `Heartbeat` as JSON, expiring after HEARTBEAT_TTL_SECONDS."""
    return f"worker:{worker_id}"


def tokenizer_key(deployment: str) -> str:
    """The deployment's tokenizer.json, so that the portal counts tokens without weights."""
    return f"tokenizer:{deployment}"


class Message(BaseModel):
    """Base of everything on the wire: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    v: Literal[1] = 1


class CancelReason(StrEnum):
    """Why a job was stopped before its end."""

    USER = "user"
    ACCESS_ENDED = "access_ended"
    DELETED = "deleted"


class FailureCode(StrEnum):
    """Why a job failed, as both sides name it. The portal owns the sentences."""

    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    INVALID_REQUEST = "invalid_request"
    ENGINE_ERROR = "engine_error"
    WORKER_LOST = "worker_lost"
    DEADLINE_EXCEEDED = "deadline_exceeded"
    EXPIRED_IN_QUEUE = "expired_in_queue"


class FinishReason(StrEnum):
    """Why the model stopped by itself."""

    STOP = "stop"
    LENGTH = "length"


class SamplingParams(Message):
    """What the researcher asked for, in the field's standard names and never rounded.

    `top_k` 0 means no limit. `seed` None lets the engine draw.
    """

    max_tokens: int = Field(ge=1)
    temperature: float = Field(default=1.0, ge=0.0, le=2.0)
    top_p: float = Field(default=1.0, gt=0.0, le=1.0)
    top_k: int = Field(default=0, ge=0)
    presence_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    frequency_penalty: float = Field(default=0.0, ge=-2.0, le=2.0)
    stop: tuple[str, ...] = ()
    seed: int | None = Field(default=None, ge=0, le=2**63 - 1)


class GenerationRequest(Message):
    """One job, as it is sent to the queue of its deployment."""

    job_id: UUID
    deployment: str
    prompt: str
    sampling: SamplingParams
    attempt: int = Field(default=1, ge=1)
    priority: int = 0
    """As vLLM counts: the lower number is served first."""
    deadline_at: datetime
    """After this moment the worker stops the job with DEADLINE_EXCEEDED."""


class Usage(Message):
    """Token counts as the engine saw them."""

    prompt_tokens: int = Field(ge=0)
    completion_tokens: int = Field(ge=0)


class Started(Message):
    """A worker has taken the job. May appear again when another worker continues it."""

    type: Literal["started"] = "started"
    worker: str
    attempt: int
    prompt_tokens: int


class Delta(Message):
    """More text. `offset` is the count of completion tokens before this event.

    `text` may be empty while the engine holds back bytes of an unfinished character.
    """

    type: Literal["delta"] = "delta"
    offset: int = Field(ge=0)
    text: str
    token_ids: tuple[int, ...]


class Snapshot(Message):
    """The whole completion so far; replaces whatever a reader holds.

    Sent when the stream had to be rebuilt because the broker lost its data.
    """

    type: Literal["snapshot"] = "snapshot"
    text: str
    token_ids: tuple[int, ...]


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
    """Terminal: the job was stopped. `freed_ms` is the time from request to a free engine."""

    type: Literal["cancelled"] = "cancelled"
    reason: CancelReason
    freed_ms: int | None = None


Event = Annotated[
    Started | Delta | Snapshot | Done | Failed | Cancelled, Field(discriminator="type")
]
TerminalEvent = Annotated[Done | Failed | Cancelled, Field(discriminator="type")]

EVENT: Final[TypeAdapter[Event]] = TypeAdapter(Event)


class JobStarted(Message):
    """Argument of TASK_RECORD_STARTED."""

    job_id: UUID
    worker: str
    attempt: int
    started_at: datetime
    prompt_tokens: int


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


class ControlMessage(Message):
    """Sent on `control_channel`: look at this job's cancel key now."""

    job_id: UUID


class EngineState(StrEnum):
    """What the worker last saw of its engine."""

    STARTING = "starting"
    READY = "ready"
    DOWN = "down"


class EnergySource(StrEnum):
    """Where a figure of energy comes from."""

    NVML = "nvml"
    """The GPUs' own counters."""
    RAPL = "rapl"
    """The processors' own counters; everything that runs on the machine is in them."""
    ASSUMED = "assumed"
    """`assumed_power_watts` of the deployment, for as long as its engine was not down."""
    UNKNOWN = "unknown"
    """Nothing can be read and nothing is assumed."""


class Heartbeat(Message):
    """One worker's state, for the playground's notices and the operator's page."""

    worker: str
    deployment: str
    model: str
    engine: EngineState
    engine_since: datetime
    ready_in_seconds: int | None = None
    """Estimate while STARTING, from the last start of this deployment."""
    tensor_parallel_size: int
    pipeline_parallel_size: int = 1
    max_num_seqs: int
    max_model_len: int
    running: int
    """Jobs this worker is working on."""
    waiting: int
    """Of those, the requests that the engine itself holds back."""
    tokens_per_second: float = 0.0
    """Over all jobs, averaged over the last ten seconds."""
    kv_cache_usage: float | None = Field(default=None, ge=0.0, le=1.0)
    """Used part of the engine's key-value cache; None while the engine does not say."""
    energy_source: EnergySource = EnergySource.UNKNOWN
    energy_joules: float = Field(default=0.0, ge=0.0)
    """Since `started_at`; it never goes back while the worker lives."""
    power_watts: float | None = Field(default=None, ge=0.0)
    """Between this heartbeat and the one before."""
    started_at: datetime
    sent_at: datetime
