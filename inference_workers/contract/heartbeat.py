"""What a worker says of itself and its engine."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from inference_workers.contract.message import Message
from inference_workers.contract.provenance import Provenance


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
    max_logprobs: int = 20
    """The widest log-probabilities that the engine gives; -1 for the full vocabulary."""
    max_tokens: int = 0
    """The most tokens that one job may ask for; 0 leaves the context as the only limit."""
    provenance: Provenance | None = None
    """None until the engine has said what it is."""
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
