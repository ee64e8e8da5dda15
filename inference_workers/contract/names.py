"""Names, keys and periods that both sides use."""

from __future__ import annotations

from typing import Final
from uuid import UUID

VERSION: Final = 1

TASK_GENERATE: Final = "inference_workers.generate"
TASK_RECORD_STARTED: Final = "portal.jobs.record_started"
TASK_RECORD_OUTCOME: Final = "portal.jobs.record_outcome"
QUEUE_PORTAL: Final = "portal"

LEASE_SECONDS: Final = 5
"""A worker that has not renewed a job's lease for this long has lost the job."""
LEASE_RENEWAL_SECONDS: Final = 1.5
STREAM_TTL_SECONDS: Final = 3600
"""How long a stream can be replayed after its last event; later, the database row is used."""
HEARTBEAT_SECONDS: Final = 2
HEARTBEAT_TTL_SECONDS: Final = 10

WORKERS_KEY: Final = "gatehouse:workers"
"""Sorted set of worker ids, scored by the Unix time at which the heartbeat expires."""


def queue_for(deployment: str) -> str:
    """The Celery queue that carries the generation jobs of one deployment."""
    return f"gen.{deployment}"


def stream_key(job_id: UUID) -> str:
    """Redis Stream of the job's events; each entry has one field `e`, the event as JSON."""
    return f"job:{{{job_id}}}:events"


def row_key(job_id: UUID, position: int) -> str:
    """One distribution as float32 values; expires like the stream."""
    return f"job:{{{job_id}}}:row:{position}"


def end_key(job_id: UUID) -> str:
    """Set once, by the publisher of the terminal event; a second publisher loses."""
    return f"job:{{{job_id}}}:end"


def lease_key(job_id: UUID) -> str:
    """Held by the worker that runs the job: `<worker id>`, expiring after LEASE_SECONDS."""
    return f"job:{{{job_id}}}:lease"


def cancel_key(job_id: UUID) -> str:
    """Present if the job must stop; its value is a `CancelReason`."""
    return f"job:{{{job_id}}}:cancel"


def engine_deaths_key(job_id: UUID) -> str:
    """The number of engines that died while they had the job, for the worker that continues it."""
    return f"job:{{{job_id}}}:engine_deaths"


def proof_tokens_key(job_id: UUID) -> str:
    """Tokens that prove the job harmless, if engines died with it after an earlier proof."""
    return f"job:{{{job_id}}}:proof_tokens"


def recorded_key(job_id: UUID) -> str:
    """Set by the portal once the outcome is in the database; the worker then stops repeating it."""
    return f"job:{{{job_id}}}:recorded"


def control_channel(deployment: str) -> str:
    """Pub/sub channel on which a worker gets `ControlMessage`s without waiting for a poll."""
    return f"control:{deployment}"


def worker_key(worker_id: str) -> str:
    """The worker's `Heartbeat` as JSON, expiring after HEARTBEAT_TTL_SECONDS."""
    return f"worker:{worker_id}"


def tokenizer_key(deployment: str) -> str:
    """The deployment's tokenizer.json, so that the portal can count tokens without weights."""
    return f"tokenizer:{deployment}"


def tokenizer_config_key(deployment: str) -> str:
    """The deployment's `TokenizerConfig` as JSON; set before `tokenizer_key`."""
    return f"tokenizer_config:{deployment}"


def chat_template_key(deployment: str) -> str:
    """The deployment's `ChatTemplate` as JSON; not set if the model has none."""
    return f"chat_template:{deployment}"
