"""The interface that a worker needs from any engine."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_workers.contract import FinishReason, SamplingParams, TokenLogprobs


class EngineUnavailableError(Exception):
    """The engine takes no requests now; nothing was started. Wait and try again."""


class EngineFailedError(Exception):
    """The engine broke off a request that it had started, or reported an error of its own."""


class EngineReportedError(EngineFailedError):
    """The engine reported an error of its own, and may still be alive."""


class EngineRefusedError(Exception):
    """The engine rejects the request itself; trying again would not help."""


@dataclass(frozen=True, slots=True)
class EngineRequest:
    """One generation from exact prompt ids.

    `stop` is empty if the worker itself looks for stop strings. `stream_interval` is the number of
    tokens that the engine may put into one chunk.
    """

    request_id: str
    prompt_ids: Sequence[int]
    sampling: SamplingParams
    max_tokens: int
    min_tokens: int = 0
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
    logprobs: tuple[TokenLogprobs, ...] = ()
    """One for each token if requested."""


@dataclass(frozen=True, slots=True)
class ScoredPrompt:
    """Each token of a prompt in its distribution, and the first token after the prompt."""

    logprobs: tuple[TokenLogprobs | None, ...]
    first: Chunk


@dataclass(frozen=True, slots=True)
class EngineLoad:
    """The engine's running and waiting requests."""

    running: int
    waiting: int
    tokens_done: int = 0
    """Prompt and completion tokens since the engine's start; does not grow while it hangs."""
    kv_cache_usage: float | None = None
    """Used share of the key-value cache, from 0 to 1; None if the engine does not report it."""


class Engine(Protocol):
    """Every method may raise `EngineUnavailableError`."""

    async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        """The exact ids that the model sees for this text.

        Raises `EngineRefusedError`.
        """
        ...

    def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        """Stream the completion; closing the iterator aborts the request on the engine.

        Raises `EngineRefusedError` or `EngineFailedError`.
        """
        ...

    async def score(self, request: EngineRequest) -> ScoredPrompt:
        """Score the prompt's tokens, and generate one; a cancelled call aborts the request.

        Raises `EngineRefusedError` or `EngineFailedError`.
        """
        ...

    async def distribution(self, request: EngineRequest) -> Sequence[float]:
        """Log-probabilities of every possible next token, in the order of ids.

        Raises `EngineRefusedError` or `EngineFailedError`.
        """
        ...

    async def version(self) -> str:
        """The engine's own version; empty if it has none."""
        ...

    async def is_healthy(self) -> bool:
        """Whether the engine takes requests; never raises."""
        ...

    async def load(self) -> EngineLoad:
        """The engine's own count of its requests, from all its clients."""
        ...

    async def metrics(self) -> str:
        """The engine's own metrics in Prometheus text format; empty if it has none."""
        ...

    async def close(self) -> None:
        """Close connections. The engine itself continues."""
        ...
