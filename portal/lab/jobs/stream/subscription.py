"""One reader of one job's stream, as the multiplexer feeds it."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

Entry = tuple[str, str]
"""A stream entry: its id and the event as JSON."""

BUFFER_ENTRIES: Final = 1000
REPLAY_ENTRIES: Final = 500
FIRST_ID: Final = "0-0"


def order(entry_id: str) -> tuple[int, int]:
    """The key that sorts stream ids."""
    milliseconds, _, sequence = entry_id.partition("-")
    return int(milliseconds), int(sequence or 0)


class Subscription:
    """Entries after `last_id`, each once and in order, however slowly they are read.

    If a reader falls more than BUFFER_ENTRIES behind, its buffer is dropped, and it later reads
    the missed entries from the stream itself.
    """

    def __init__(
        self,
        key: str,
        *,
        after: str,
        must_replay: bool,
        read_range: Callable[[str, str, int], Awaitable[list[Entry]]],
    ) -> None:
        self.key = key
        self.last_id = after
        self._must_replay = must_replay
        self._read_range = read_range
        self._buffer: deque[Entry] = deque()
        self._has_news = must_replay
        self._waiter: asyncio.Future[None] | None = None

    def push(self, entries: list[Entry]) -> None:
        """Called by the multiplexer with new entries."""
        if self._must_replay:
            return
        if len(self._buffer) + len(entries) > BUFFER_ENTRIES:
            self._buffer.clear()
            self._must_replay = True
        else:
            self._buffer.extend(entries)
        self._has_news = True
        if self._waiter is not None:
            _release(self._waiter)

    async def take(self, *, seconds: float) -> list[Entry]:
        """New entries, as soon as there are any; empty after `seconds` without news.

        Raises the broker's errors when a replay fails; the next call tries again.
        """
        await self._wait(seconds)
        if not self._has_news:
            return []
        entries = await self._replay() if self._must_replay else self._drain()
        last = order(self.last_id)
        fresh = [entry for entry in entries if order(entry[0]) > last]
        if fresh:
            self.last_id = fresh[-1][0]
        return fresh

    async def _wait(self, seconds: float) -> None:
        """Wait for news or the timeout; costs a third of `asyncio.timeout`."""
        if self._has_news:
            return
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(seconds, _release, self._waiter)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _drain(self) -> list[Entry]:
        entries = list(self._buffer)
        self._buffer.clear()
        self._has_news = False
        return entries

    async def _replay(self) -> list[Entry]:
        # From here on live entries are buffered; those also in the replay are dropped.
        self._must_replay = False
        self._buffer.clear()
        try:
            entries = await self._read_range(self.key, self.last_id, REPLAY_ENTRIES)
        except BaseException:
            self._must_replay = True
            raise
        if len(entries) == REPLAY_ENTRIES:
            self._must_replay = True
        elif not self._buffer and not self._must_replay:
            self._has_news = False
        return entries


def _release(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)
