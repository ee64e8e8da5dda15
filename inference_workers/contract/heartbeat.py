"""A worker's report on itself and its engine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from inference_workers.contract.message import Message
from inference_workers.contract.provenance import Provenance


class EngineState(StrEnum):
    """The engine's state as the worker last saw it."""

    STARTING = "starting"
    READY = "ready"
    DOWN = "down"


class EnergySource(StrEnum):
    """The source of an energy figure."""

    NVML = "nvml"
    """The GPUs' own counters."""
    RAPL = "rapl"
    """The processors' own counters, which include everything that runs on the machine."""
    ASSUMED = "assumed"
    """`assumed_power_watts` of the deployment, for as long as its engine was not down."""
    UNKNOWN = "unknown"
    """No counter can be read, and no power is assumed."""


class Heartbeat(Message):
    """One worker's state, for the playground's notices and the operator's page."""

    worker: str
    deployment: str
    model: str
    engine: EngineState
    engine_since: datetime
    ready_in_seconds: int | None = None
    """An estimate while STARTING, from the last start of this deployment."""
    tensor_parallel_size: int
    pipeline_parallel_size: int = 1
    max_num_seqs: int
    max_model_len: int
    max_logprobs: int = 20
    """The maximum width of the engine's log-probabilities; -1 for the full vocabulary."""
    max_tokens: int = 0
    """The maximum tokens that one job may request; 0 means that only the context limits it."""
    provenance: Provenance | None = None
    """None until the engine has reported it."""
    running: int
    """Jobs that this worker has."""
    waiting: int
    """The part of those that waits inside the engine."""
    tokens_per_second: float = 0.0
    """All jobs together, averaged over the last 10 seconds."""
    kv_cache_usage: float | None = Field(default=None, ge=0.0, le=1.0)
    """Used share of the engine's key-value cache; None if the engine does not report it."""
    energy_source: EnergySource = EnergySource.UNKNOWN
    energy_joules: float = Field(default=0.0, ge=0.0)
    """Since `started_at`; never decreases while the worker lives."""
    power_watts: float | None = Field(default=None, ge=0.0)
    """Average between this heartbeat and the previous one."""
    started_at: datetime
    sent_at: datetime
