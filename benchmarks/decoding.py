"""The time of one engine step, which gives every running sequence one token."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

FIRST_ID = 10
"""Lower ids have a special meaning in OPT's vocabulary."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lengths:
    """The lengths of a measurement's sequences, in tokens."""

    prompt: int = 128
    short: int = 8
    long: int = 136

    @property
    def context(self) -> int:
        """Tokens in each sequence, on average over the measured steps."""
        return self.prompt + (self.short + self.long) // 2

    @property
    def longest(self) -> int:
        return self.prompt + self.long


class Completes(Protocol):
    """An engine that can be measured."""

    async def complete(
        self, prompts: Sequence[Sequence[int]], *, max_tokens: int
    ) -> list[dict[str, Any]]: ...


async def measure_step(
    engine: Completes,
    *,
    batch: int,
    lengths: Lengths,
    vocabulary: int,
    repeats: int = 3,
    clock: Callable[[], float] = time.perf_counter,
) -> float:
    """Seconds of one step with `batch` sequences.

    The batch is run to two lengths. The difference of their times is divided by the difference of
    the lengths, which cancels the time for prompts, request and response. The median of `repeats`,
    after one warm-up run.
    """
    prompts = [
        [
            FIRST_ID + (7919 * row + 31 * column) % (vocabulary - FIRST_ID)
            for column in range(lengths.prompt)
        ]
        for row in range(batch)
    ]

    async def run(tokens: int) -> float:
        begun = clock()
        await engine.complete(prompts, max_tokens=tokens)
        return clock() - begun

    await run(lengths.short)
    differences = []
    for _ in range(repeats):
        short, long = await run(lengths.short), await run(lengths.long)
        differences.append(long - short)
    return statistics.median(differences) / (lengths.long - lengths.short)
