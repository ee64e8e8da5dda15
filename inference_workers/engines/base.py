"""What a worker asks of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_workers.contract import FinishReason, SamplingParams


class EngineUnavailableError(Exception):
    """The engine does not take requests now; nothing was begun. Wait and try again."""


class EngineFailedError(Exception):
    """The engine broke off a request that it had begun, or answered it with an error of its own."""


class EngineRefusedError(Exception):
    """The engine calls the request itself wrong; trying again would not help."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """One generation from exact prompt ids.

    `stop` is empty when the worker itself looks for stop strings. `stream_interval` is the
    number of tokens that the engine may gather into one chunk.
    """

    request_id: str
    prompt_ids: Sequence[int]
    sampling: SamplingParams
    max_tokens: int
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: dict[int, float] = field(default_factory=dict)
    stream_interval: int = 1
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """New tokens; the last chunk of a request has a finish reason."""

    text: str
    token_ids: tuple[int, ...]
    finish_reason: FinishReason | None = None


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """Requests that the engine works on, and those it holds back."""

    running: int
    waiting: int
    tokens_done: int = 0
    """Prompt and completion tokens since the engine's start; stands still when it hangs."""
    kv_cache_usage: float | None = None
    """Used part of the key-value cache, from 0 to 1; None where the engine does not say."""


class Engine(Protocol):
    """Every method may raise `EngineUnavailableError`."""

    async def tokenize(self, text: str) -> list[int]:
        """The exact ids that the model sees for this text, special tokens included.

        Raises `EngineRefusedError`.
        """
        ...

    def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        """Stream the completion; closing the iterator aborts the request on the engine.

        Raises `EngineRefusedError` or `EngineFailedError`.
        """
        ...

    async def is_healthy(self) -> bool:
        """Whether the engine takes requests; never raises."""
        ...

    async def load(self) -> EngineLoad:
        """The engine's own count of its requests, from all its clients."""
        ...

    async def metrics(self) -> str:
        """The engine's own metrics in Prometheus' text format; empty if it has none."""
        ...

    async def close(self) -> None:
        """Give back connections. The engine itself goes on."""
        ...
