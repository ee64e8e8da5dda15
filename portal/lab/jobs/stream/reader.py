"""One blocking XREAD over all open streams of the process, distributed to their readers."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID
from weakref import WeakKeyDictionary

import redis
import redis.asyncio
import structlog

from inference_workers.contract import stream_key
from portal.lab.jobs.stream.subscription import FIRST_ID, Entry, Subscription, order
from portal.platform.core.redis import async_redis

BLOCK_MS: Final = 5000
READ_ENTRIES: Final = 200
HUNG_SECONDS: Final = 10.0
GATHER_SECONDS: Final = 0.01
"""Pause after each read, so that at full load one read returns the news of many streams."""
MAX_GATHER_SECONDS: Final = 0.04
GATHER_STREAMS: Final = 100
"""Every read names all streams, so with more of them it waits longer for more news."""
RETRY_SECONDS: Final = (0.1, 0.2, 0.5, 1.0)
WAKE_TTL_SECONDS: Final = 60
BROKER_ERRORS: Final = (redis.RedisError, OSError, TimeoutError)

log = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Feed:
    cursor: str
    subscriptions: set[Subscription] = field(default_factory=set)


class StreamReader:
    """Reads every subscribed stream with one connection; belongs to one event loop.

    It runs while there are subscriptions. If the broker is down, it retries without end and
    resumes after the last ids it saw; it waits for a stream that was lost.
    """

    def __init__(self) -> None:
        self._feeds: dict[str, _Feed] = {}
        self._task: asyncio.Task[None] | None = None
        self._client: redis.asyncio.Redis | None = None
        self._wake_key = f"gatehouse:wake:{secrets.token_hex(8)}"
        self._wake_id = FIRST_ID
        self._waker: asyncio.Task[None] | None = None
        self._has_to_wake = False
        self._is_blocked = False

    @asynccontextmanager
    async def subscribe(self, job_id: UUID, *, after: str) -> AsyncIterator[Subscription]:
        """Entries of the job's stream after the id `after`; `FIRST_ID` for all of them."""
        key = stream_key(job_id)
        feed = self._feeds.get(key)
        is_new = feed is None
        if feed is None:
            feed = self._feeds[key] = _Feed(cursor=after)
        subscription = Subscription(
            key,
            after=after,
            must_replay=order(after) < order(feed.cursor),
            read_range=self._read_range,
        )
        feed.subscriptions.add(subscription)
        if self._task is None:
            self._task = asyncio.create_task(self._run(), name="stream-reader")
        elif is_new:
            self._wake()
        try:
            yield subscription
        finally:
            feed.subscriptions.discard(subscription)
            if not feed.subscriptions and self._feeds.get(key) is feed:
                del self._feeds[key]
            if not self._feeds:
                # Not cancelled: cancelling while a connection is opened would leak it.
                self._wake()

    @property
    def open_streams(self) -> int:
        return len(self._feeds)

    def _connect(self) -> redis.asyncio.Redis:
        if self._client is None:
            self._client = async_redis()
        return self._client

    async def _run(self) -> None:
        try:
            await self._read_while_subscribed()
        finally:
            # A later subscription starts a new task.
            self._task = None
            client, self._client = self._client, None
            if client is not None:
                await self._close(client)

    async def _close(self, client: redis.asyncio.Redis) -> None:
        """Close the client even if cancelled: a loop that ends cancels every task once."""
        try:
            await self._close_behind_waker(client)
        except asyncio.CancelledError:
            await self._close_behind_waker(client)
            raise

    async def _close_behind_waker(self, client: redis.asyncio.Redis) -> None:
        if self._waker is not None:
            await asyncio.gather(self._waker, return_exceptions=True)
        await client.aclose()

    async def _read_while_subscribed(self) -> None:
        failures = 0
        while self._feeds:
            try:
                await self._read_once()
                failures = 0
            except BROKER_ERRORS as error:
                pause = RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)]
                if failures == 0:
                    log.warning("streams_interrupted", error=type(error).__name__)
                failures += 1
                await asyncio.sleep(pause)

    async def _read_once(self) -> None:
        cursors: dict[Any, Any] = {key: feed.cursor for key, feed in self._feeds.items()}
        cursors[self._wake_key] = self._wake_id
        self._is_blocked = True
        try:
            async with asyncio.timeout(HUNG_SECONDS):
                reply = await self._connect().xread(cursors, count=READ_ENTRIES, block=BLOCK_MS)
        finally:
            self._is_blocked = False
        for key, raw in reply.items() if isinstance(reply, Mapping) else reply:
            self._hand_out(key, raw)
        await asyncio.sleep(choose_gathering(len(self._feeds)))

    def _hand_out(self, key: str, raw: list[tuple[str, dict[str, str]]]) -> None:
        if key == self._wake_key:
            self._wake_id = raw[-1][0]
            return
        feed = self._feeds.get(key)
        if feed is None:
            return
        entries = [(entry_id, fields["e"]) for entry_id, fields in raw]
        feed.cursor = entries[-1][0]
        for subscription in feed.subscriptions:
            subscription.push(entries)

    async def _read_range(self, key: str, after: str, count: int) -> list[Entry]:
        raw = await self._connect().xrange(key, min=f"({after}", count=count)
        return [(entry_id, fields["e"]) for entry_id, fields in raw]

    def _wake(self) -> None:
        """Let the blocked read return, so that it includes the new stream.

        A read that is not blocked includes it anyway, and many new streams share one wake.
        """
        if not self._is_blocked:
            return
        self._has_to_wake = True
        if self._waker is None or self._waker.done():
            self._waker = asyncio.create_task(self._send_wakes())

    async def _send_wakes(self) -> None:
        while self._has_to_wake:
            self._has_to_wake = False
            await self._send_wake()

    async def _send_wake(self) -> None:
        if self._client is None:
            return
        try:
            pipeline = self._client.pipeline(transaction=False)
            pipeline.xadd(self._wake_key, {"w": "1"}, maxlen=1, approximate=False)
            pipeline.expire(self._wake_key, WAKE_TTL_SECONDS)
            await pipeline.execute()
        except BROKER_ERRORS:
            # Then the read fails too, and includes the stream when it retries.
            log.warning("stream_reader_not_woken")


def choose_gathering(streams: int) -> float:
    """Seconds between two reads of this many streams."""
    return min(MAX_GATHER_SECONDS, GATHER_SECONDS * max(1.0, streams / GATHER_STREAMS))


_readers: WeakKeyDictionary[asyncio.AbstractEventLoop, StreamReader] = WeakKeyDictionary()


def current_reader() -> StreamReader:
    """The reader of the running event loop."""
    loop = asyncio.get_running_loop()
    if loop not in _readers:
        _readers[loop] = StreamReader()
    return _readers[loop]
