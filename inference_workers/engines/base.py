"""What a worker asks of an engine, whichever it is."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from inference_workers.contract import FinishReason, SamplingParams, TokenLogprobs


class EngineUnavailableError(Exception):
    """The engine does not take requests now; nothing was begun. Wait and try again."""


class EngineFailedError(Exception):
    """The engine broke off a request that it had begun, or answered it with an error of its own."""


class EngineReportedError(EngineFailedError):
    """The engine answered with an error of its own, and may well live on."""


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
    """One for each token where the request asks for them."""


@dataclass(frozen=True, slots=True)
class ScoredPrompt:
    """Each token of a prompt in its distribution, and the first token that follows it."""

    logprobs: tuple[TokenLogprobs | None, ...]
    first: Chunk


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
        """Look the prompt's tokens up, and generate one; a cancelled call aborts the request.

        Raises `EngineRefusedError` or `EngineFailedError`.
        """
        ...

    async def distribution(self, request: EngineRequest) -> Sequence[float]:
        """Log-probabilities of every token after the prompt, in the order of ids.

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
        """The engine's own metrics in Prometheus' text format; empty if it has none."""
        ...

    async def close(self) -> None:
        """Give back connections. The engine itself goes on."""
        ...
