"""The state of the workers and their engines, as the workers report it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, cast

import redis
import structlog
from django.db import models
from pydantic import ValidationError

from inference_workers.contract import (
    WORKERS_KEY,
    EnergySource,
    EngineState,
    Heartbeat,
    Provenance,
    worker_key,
)
from portal.platform.core.batching import Batching
from portal.platform.core.redis import sync_redis

log = structlog.get_logger(__name__)


class WorkerStatus(Heartbeat):
    """One living worker, as its last heartbeat has it."""

    @property
    def kv_cache_percent(self) -> float | None:
        """The used part of the engine's key-value cache, in percent."""
        return None if self.kv_cache_usage is None else 100 * self.kv_cache_usage

    @property
    def is_power_assumed(self) -> bool:
        return self.energy_source is EnergySource.ASSUMED


class Readiness(models.TextChoices):
    """Whether a deployment can run jobs now, in words for operators."""

    READY = "ready", "Ready"
    STARTING = "starting", "Starting"
    NO_WORKER = "no_worker", "No worker online"
    UNKNOWN = "unknown", "Unknown"
    """The broker does not answer."""


@dataclass(frozen=True)
class EngineStatus:
    """A deployment's engines, all workers together."""

    readiness: Readiness
    ready_in_seconds: int | None = None
    capacity: int = 0
    """Jobs that the engines run at the same time, once they are ready."""
    max_model_len: int | None = None
    max_logprobs: int | None = None
    """The most log-probabilities that every engine returns; -1 for the full vocabulary."""
    max_tokens: int = 0
    """The most tokens that one run may request; 0 leaves the context as the only limit."""
    provenance: Provenance | None = None

    @property
    def sentence(self) -> str:
        """A sentence for a person who waits; empty if there is nothing to say."""
        match self.readiness:
            case Readiness.STARTING if self.ready_in_seconds:
                return f"The model is starting, about {self.ready_in_seconds} s."
            case Readiness.STARTING:
                return "The model is starting."
            case Readiness.NO_WORKER:
                return "No worker is online for this model. Your run waits until one is."
            case Readiness.UNKNOWN:
                return "The queue does not answer now. Your run is kept."
            case Readiness.READY:
                return ""

    def explain_silence(self, seconds: int) -> str:
        """Why a run under way may have got no token for so long, and what happens next."""
        match self.readiness:
            case Readiness.STARTING:
                wait = f", about {self.ready_in_seconds} s" if self.ready_in_seconds else ""
                return f"The engine is starting again{wait}. Then the run continues by itself."
            case Readiness.NO_WORKER:
                return "No worker is online for this model. Your run continues when one is."
            case Readiness.UNKNOWN:
                return self.sentence
            case Readiness.READY:
                return (
                    f"The engine has not answered for {seconds} s. If it stays silent, it is "
                    "restarted, and the run continues by itself."
                )


def list_workers() -> list[WorkerStatus]:
    """Every worker whose heartbeat has not expired, by deployment; raises `redis.RedisError`."""
    client = sync_redis()
    ids = cast("list[str]", client.zrangebyscore(WORKERS_KEY, time.time(), "+inf"))
    if not ids:
        return []
    values = cast("list[str | None]", client.mget([worker_key(id_) for id_ in ids]))
    workers = [worker for value in values if value and (worker := _read(value))]
    return sorted(workers, key=lambda worker: (worker.deployment, worker.worker))


def engine_status(deployment: str) -> EngineStatus:
    """The status of the deployment's engines together. Never raises."""
    workers = _TOGETHER.ask(deployment)
    return EngineStatus(Readiness.UNKNOWN) if workers is None else judge_engines(workers)


def _find_workers(deployments: Sequence[str]) -> list[list[WorkerStatus] | None]:
    """The living workers of each deployment; None for all while the broker does not answer."""
    try:
        workers = list_workers()
    except redis.RedisError:
        return [None] * len(deployments)
    return [
        [worker for worker in workers if worker.deployment == deployment]
        for deployment in deployments
    ]


_TOGETHER: Final = Batching(_find_workers, at_most=64)
"""Runs that are accepted at the same moment share one look-up."""


def judge_engines(workers: list[WorkerStatus]) -> EngineStatus:
    """The status of one deployment's workers together."""
    if not workers:
        return EngineStatus(Readiness.NO_WORKER)
    ready = [worker for worker in workers if worker.engine is EngineState.READY]
    estimates = [worker.ready_in_seconds for worker in workers if worker.ready_in_seconds]
    widths = [worker.max_logprobs for worker in workers]
    return EngineStatus(
        Readiness.READY if ready else Readiness.STARTING,
        ready_in_seconds=None if ready else min(estimates, default=None),
        capacity=sum(worker.max_num_seqs for worker in ready or workers),
        max_model_len=min(worker.max_model_len for worker in workers),
        max_logprobs=min((width for width in widths if width >= 0), default=-1),
        max_tokens=min((worker.max_tokens for worker in workers if worker.max_tokens), default=0),
        provenance=next((worker.provenance for worker in ready or workers), None),
    )


@lru_cache(maxsize=64)
def _read(value: str) -> WorkerStatus | None:
    """Cached: every run reads the heartbeat, which stays the same until the next one."""
    try:
        return WorkerStatus.model_validate_json(value)
    except ValidationError:
        log.warning("heartbeat_not_understood")
        return None
