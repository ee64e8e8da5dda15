"""The two loads of every subject: steady streams, and a burst."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import psutil

from benchmarks.run import Run

RAMP_PER_SECOND = 25.0
SETTLE_SECONDS = 2.0
SPARE_SECONDS = 15.0
"""Runs last this much longer than ramp and window, for streams that begin late."""
MOST_TOKENS = 900
"""The most that fits into the stand-in's context of 1,024."""


class Readers(Protocol):
    """Counts over all runs of one kind of client."""

    tokens: int
    streaming: int


@dataclass(frozen=True)
class Subject:
    """A server under load.

    `run` takes a run's number and its number of tokens. `cpu` returns CPU seconds so far by part,
    and `path` names the parts that a token passes. `text_of` returns the text that a run of that
    many tokens must have; None if the text is not known beforehand.
    """

    readers: Readers
    run: Callable[[int, int], Coroutine[Any, Any, Run]]
    cpu: Callable[[], Mapping[str, float]]
    path: tuple[str, ...]
    text_of: Callable[[int], str] | None = None


@dataclass(frozen=True)
class Steady:
    """Steady streams, in a window between the last start and the first end."""

    streams: int
    open_streams: int
    """Streams that had begun and not ended when the window began."""
    seconds: float
    tokens: int
    cpu: Mapping[str, float]
    path: tuple[str, ...]
    readers_cpu: float
    """CPU seconds of the load generator per second."""
    lost: int
    """Runs that failed: a gap, a repetition, a wrong text, too few tokens, an error."""
    unfinished: int
    """Runs that were abandoned because the subject was too slow."""
    updates_per_second: float
    """Events with tokens that one reader gets per second."""

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds

    def micros(self, *parts: str) -> float:
        """CPU of these parts, or of the whole path, in microseconds per token."""
        used = sum(self.cpu[part] for part in parts or self.path)
        return used / self.tokens * 1e6 if self.tokens else math.inf


@dataclass(frozen=True)
class Burst:
    """`size` simultaneous clicks; waits in seconds, one per run."""

    size: int
    lost: int
    accepted: Sequence[float]
    """From the click to the server's acceptance."""
    streamed: Sequence[float]
    """From acceptance to the first token."""
    first: Sequence[float]
    """From the click to the first token."""


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least `share` of the values do not exceed."""
    return sorted(values)[max(0, math.ceil(len(values) * share) - 1)]


async def hold_streams(
    subject: Subject,
    *,
    streams: int,
    seconds: float,
    rate: float,
    ramp_per_second: float = RAMP_PER_SECOND,
    patience: float = 60.0,
) -> Steady:
    """Start the runs one after another, and measure in a window in which all of them stream.

    If the subject cannot keep up, the window begins after `patience` seconds with the streams that
    have begun, and runs are abandoned `patience` seconds after their time at full rate.
    """
    readers = subject.readers
    ramp = max(4.0, streams / ramp_per_second)
    tokens = min(MOST_TOKENS, int((ramp + seconds + SPARE_SECONDS) * rate))

    async def read(index: int) -> Run:
        await asyncio.sleep(ramp * index / streams)
        return await subject.run(index, tokens)

    over_at = time.monotonic() + ramp + tokens / rate + patience
    runs = [asyncio.create_task(read(index)) for index in range(streams)]
    await _wait_until_streaming(readers, runs, patience=ramp + patience)
    await asyncio.sleep(SETTLE_SECONDS)
    open_streams = readers.streaming
    before, own_before, count, begun = subject.cpu(), own_cpu(), readers.tokens, time.monotonic()
    await asyncio.sleep(seconds)
    after, own_after, counted, ended = subject.cpu(), own_cpu(), readers.tokens, time.monotonic()
    done, waiting = await asyncio.wait(runs, timeout=max(0.0, over_at - time.monotonic()))
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    finished = [task.result() for task in done]
    flowing = sum(run.ended_at - run.first_at for run in finished if run.first_at)
    return Steady(
        streams=streams,
        open_streams=open_streams,
        seconds=ended - begun,
        tokens=counted - count,
        cpu={part: after[part] - before[part] for part in after},
        path=subject.path,
        readers_cpu=(own_after - own_before) / (ended - begun),
        lost=sum(is_lost(subject, run, tokens=tokens) for run in finished),
        unfinished=len(waiting),
        updates_per_second=sum(run.frames for run in finished) / flowing if flowing else math.nan,
    )


async def send_burst(
    subject: Subject, *, size: int, max_tokens: int, patience: float = 60.0
) -> Burst:
    """Send `size` simultaneous clicks, and read the runs to their ends."""
    tasks = [asyncio.create_task(subject.run(index, max_tokens)) for index in range(size)]
    done, waiting = await asyncio.wait(tasks, timeout=patience)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    runs = [task.result() for task in done]
    begun = [run for run in runs if run.first_at]
    return Burst(
        size=size,
        lost=sum(is_lost(subject, run, tokens=max_tokens) for run in runs) + len(waiting),
        accepted=[run.accepted_at - run.submitted_at for run in begun],
        streamed=[run.first_at - run.accepted_at for run in begun],
        first=[run.first_at - run.submitted_at for run in begun],
    )


def is_lost(subject: Subject, run: Run, *, tokens: int) -> bool:
    """Whether the run is incomplete or wrong."""
    is_whole = run.end == "done" and run.faults == 0 and run.tokens == tokens
    return not is_whole or (subject.text_of is not None and run.text != subject.text_of(tokens))


def own_cpu() -> float:
    """CPU seconds of this process, which is the load generator."""
    times = psutil.Process().cpu_times()
    return float(times.user + times.system)


async def _wait_until_streaming(
    readers: Readers, runs: Sequence[asyncio.Task[Run]], *, patience: float
) -> None:
    give_up_at = time.monotonic() + patience
    while readers.streaming < len(runs) and time.monotonic() < give_up_at:
        if any(run.done() for run in runs):
            return
        await asyncio.sleep(0.1)
