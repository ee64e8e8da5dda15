"""What lies between engine and reader: CPU a token, bursts, and many open streams."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.portal_readers import PortalReaders, Run
from benchmarks.stack import Stack

PATH = ("web", "inference worker", "valkey")
"""The parts that a token passes; the engine and the readers are not the portal's."""


@dataclass(frozen=True)
class Steady:
    """Streams in full flow, between the last start and the first end."""

    streams: int
    seconds: float
    tokens: int
    cpu: dict[str, float]
    lost: int
    """Runs that did not end well, or whose reader saw a gap, a repetition or too few tokens."""
    updates_per_second: float
    """Events with tokens that one reader gets in a second."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds

    def micros(self, *parts: str) -> float:
        """CPU of these parts in microseconds a token."""
        return sum(self.cpu[part] for part in parts) / self.tokens * 1e6


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest of the values that at least `share` of them do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


async def measure_steady(stack: Stack, *, streams: int, seconds: float, rate: float) -> Steady:
    """Start the runs one after another, let them all flow, and look at a window in between."""
    readers = PortalReaders(stack.url)
    ramp = max(4.0, streams / 25)
    tokens = min(900, int((ramp + seconds + 15) * rate))

    async def read(index: int) -> Run:
        await asyncio.sleep(ramp * index / streams)
        session = stack.sessions[index % len(stack.sessions)]
        return await readers.run(session, max_tokens=tokens)

    runs = [asyncio.create_task(read(index)) for index in range(streams)]
    await _all_streaming(readers, runs)
    await asyncio.sleep(2)
    before, count, begun = stack.cpu(), readers.tokens, time.monotonic()
    await asyncio.sleep(seconds)
    after, counted, ended = stack.cpu(), readers.tokens, time.monotonic()
    done = await asyncio.gather(*runs)
    flowing = sum(run.ended_at - run.first_at for run in done if run.end)
    return Steady(
        streams=streams,
        seconds=ended - begun,
        tokens=counted - count,
        cpu={part: after[part] - before[part] for part in after},
        lost=sum(is_lost(run, tokens=tokens) for run in done),
        updates_per_second=sum(run.frames for run in done) / flowing if flowing else 0.0,
    )


async def _all_streaming(readers: PortalReaders, runs: list[asyncio.Task[Run]]) -> None:
    while readers.streaming < len(runs):
        if any(run.done() for run in runs):
            raise SystemExit("some run ended before the last one began: fewer streams, please")
        await asyncio.sleep(0.1)


def is_lost(run: Run, *, tokens: int) -> bool:
    return run.end != "done" or run.faults > 0 or len(run.token_ids) != tokens


async def measure_burst(stack: Stack, *, size: int, max_tokens: int) -> list[Run]:
    """As many clicks at the same moment."""
    readers = PortalReaders(stack.url)
    sessions = [stack.sessions[index % len(stack.sessions)] for index in range(size)]
    return await asyncio.gather(
        *(readers.run(session, max_tokens=max_tokens) for session in sessions)
    )
