"""Tokens per second, over a sliding window."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 10.0
READER_UPDATES_PER_SECOND = 25
"""Aimed at more than the ten that a reader is owed, since speed falls when load rises."""
MAX_STREAM_INTERVAL = 16
BUSY_STREAMS = 8
SMOOTHING = 0.05


class Throughput:
    """Counts tokens and answers their rate over the last ten seconds."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._counts: deque[tuple[float, int]] = deque()
        self._total = 0

    def add(self, tokens: int) -> None:
        now = self._clock()
        self._counts.append((now, tokens))
        self._total += tokens
        self._forget_before(now - WINDOW_SECONDS)

    def rate(self) -> float:
        """Tokens per second."""
        self._forget_before(self._clock() - WINDOW_SECONDS)
        return self._total / WINDOW_SECONDS

    def _forget_before(self, moment: float) -> None:
        while self._counts and self._counts[0][0] < moment:
            self._total -= self._counts.popleft()[1]


class StreamSpeed:
    """How fast one stream advances, as a moving average over the chunks of all streams."""

    def __init__(self) -> None:
        self.tokens_per_second = 0.0

    def observe(self, *, tokens: int, seconds: float) -> None:
        """Take in one chunk and the time since the same stream's chunk before."""
        if seconds <= 0:
            return
        speed = tokens / seconds
        known = self.tokens_per_second
        self.tokens_per_second = known + SMOOTHING * (speed - known) if known else speed


def choose_stream_interval(*, tokens_per_second: float, streams: int) -> int:
    """Tokens that the engine may gather into one chunk of a new stream.

    One while the engine is not busy, for there is nothing to save; else as many as leave each
    reader ten updates a second even when the speed per stream halves on the way.
    """
    if streams < BUSY_STREAMS:
        return 1
    return max(1, min(MAX_STREAM_INTERVAL, int(tokens_per_second / READER_UPDATES_PER_SECOND)))
