"""Tokens per second, over a sliding window."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

WINDOW_SECONDS = 10.0
READER_UPDATES_PER_SECOND = 25
"""More than the ten that a reader should get, because speed falls as load rises."""
MAX_STREAM_INTERVAL = 16
BUSY_STREAMS = 8
SMOOTHING = 0.05


class Throughput:
    """Counts tokens, and gives their rate over the last 10 seconds."""

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
    """The speed of one stream, as a moving average over the chunks of all streams."""

    def __init__(self) -> None:
        self.tokens_per_second = 0.0

    def observe(self, *, tokens: int, seconds: float) -> None:
        """Add one chunk and the time since the previous chunk of the same stream."""
        if seconds <= 0:
            return
        speed = tokens / seconds
        known = self.tokens_per_second
        self.tokens_per_second = known + SMOOTHING * (speed - known) if known else speed


def choose_stream_interval(*, tokens_per_second: float, streams: int) -> int:
    """The number of tokens that the engine may put into one chunk of a new stream.

    One while the engine is not busy; otherwise as many as still give each reader ten updates a
    second if the speed per stream halves.
    """
    if streams < BUSY_STREAMS:
        return 1
    return max(1, min(MAX_STREAM_INTERVAL, int(tokens_per_second / READER_UPDATES_PER_SECOND)))
