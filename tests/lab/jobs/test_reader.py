"""One blocking read for all streams: nothing lost, nothing twice, through restarts."""

from __future__ import annotations

import asyncio
import contextlib
import uuid
from collections.abc import Callable
from typing import Any, cast

import pytest
import redis
import redis.asyncio
from django.conf import settings

from inference_workers.contract import stream_key
from portal.lab.jobs.stream import reader as reader_module
from portal.lab.jobs.stream import subscription as subscription_module
from portal.lab.jobs.stream.reader import BROKER_ERRORS, StreamReader, choose_gathering
from portal.lab.jobs.stream.subscription import FIRST_ID, Subscription
from tests.plugin import running_valkey

SECONDS = 10.0


def write(client: redis.Redis, job: uuid.UUID, *texts: str) -> list[str]:
    return [str(client.xadd(stream_key(job), {"e": text})) for text in texts]


def connections_of(client: redis.Redis) -> list[dict[str, Any]]:
    return cast("list[dict[str, Any]]", client.client_list())


async def read(subscription: Subscription, count: int) -> list[str]:
    """Texts as they arrive, until there are `count`."""
    texts: list[str] = []
    async with asyncio.timeout(SECONDS):
        while len(texts) < count:
            try:
                texts += [text for _, text in await subscription.take(seconds=0.2)]
            except BROKER_ERRORS:
                await asyncio.sleep(0.05)
    return texts


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while not holds():  # noqa: ASYNC110 -- the broker sets no event
            await asyncio.sleep(0.01)


async def test_entries_written_before_and_after_arrive_in_order(valkey: redis.Redis) -> None:
    job = uuid.uuid4()
    write(valkey, job, "a", "b")

    async with StreamReader().subscribe(job, after=FIRST_ID) as subscription:
        first = await read(subscription, 2)
        write(valkey, job, "c")
        assert first + await read(subscription, 1) == ["a", "b", "c"]


async def test_two_readers_of_one_stream_both_get_everything(valkey: redis.Redis) -> None:
    job, reader = uuid.uuid4(), StreamReader()
    write(valkey, job, "a", "b")

    async with reader.subscribe(job, after=FIRST_ID) as one:
        assert await read(one, 2) == ["a", "b"]
        async with reader.subscribe(job, after=FIRST_ID) as late:
            write(valkey, job, "c")
            assert await read(late, 3) == ["a", "b", "c"]
            assert await read(one, 1) == ["c"]
            assert reader.open_streams == 1


async def test_a_reader_goes_on_behind_its_last_id(valkey: redis.Redis) -> None:
    job = uuid.uuid4()
    _, second, _ = write(valkey, job, "a", "b", "c")

    async with StreamReader().subscribe(job, after=second) as subscription:
        assert await read(subscription, 1) == ["c"]


async def test_a_new_stream_is_served_at_once_while_others_are_silent(
    valkey: redis.Redis,
) -> None:
    silent, job, reader = uuid.uuid4(), uuid.uuid4(), StreamReader()
    write(valkey, job, "a")

    async with reader.subscribe(silent, after=FIRST_ID) as quiet:
        assert await quiet.take(seconds=0.1) == []
        async with reader.subscribe(job, after=FIRST_ID) as subscription:
            begun = asyncio.get_running_loop().time()
            assert await read(subscription, 1) == ["a"]
            assert asyncio.get_running_loop().time() - begun < reader_module.BLOCK_MS / 1000 / 2


async def test_a_slow_reader_is_not_buffered_without_end_and_misses_nothing(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(subscription_module, "BUFFER_ENTRIES", 10)
    monkeypatch.setattr(subscription_module, "REPLAY_ENTRIES", 7)
    job, reader = uuid.uuid4(), StreamReader()
    texts = [f"{number}" for number in range(60)]

    async with (
        reader.subscribe(job, after=FIRST_ID) as slow,
        reader.subscribe(job, after=FIRST_ID) as quick,
    ):
        for text in texts:
            write(valkey, job, text)
            assert await read(quick, 1) == [text]
        assert len(slow._buffer) <= 10
        write(valkey, job, "last")
        assert await read(slow, 61) == [*texts, "last"]


async def test_streams_survive_a_restart_of_the_broker(valkey: redis.Redis) -> None:
    job = uuid.uuid4()
    write(valkey, job, "a")

    async with StreamReader().subscribe(job, after=FIRST_ID) as subscription:
        assert await read(subscription, 1) == ["a"]
        running_valkey().kill()
        assert await subscription.take(seconds=0.2) == []
        running_valkey().start()
        write(valkey, job, "b")
        assert await read(subscription, 1) == ["b"]


async def test_a_stream_that_was_lost_is_waited_for(valkey: redis.Redis) -> None:
    job = uuid.uuid4()
    write(valkey, job, "a")

    async with StreamReader().subscribe(job, after=FIRST_ID) as subscription:
        assert await read(subscription, 1) == ["a"]
        running_valkey().kill()
        running_valkey().start(wipe=True)
        write(valkey, job, "snapshot")
        assert await read(subscription, 1) == ["snapshot"]


async def test_a_replay_that_fails_is_tried_again(valkey: redis.Redis) -> None:
    job, reader = uuid.uuid4(), StreamReader()
    write(valkey, job, "a", "b")

    async with reader.subscribe(job, after=FIRST_ID) as one:
        assert await read(one, 2) == ["a", "b"]
        running_valkey().kill()
        async with reader.subscribe(job, after=FIRST_ID) as late:
            with pytest.raises(BROKER_ERRORS):
                await late.take(seconds=1)
            running_valkey().start()
            assert await read(late, 2) == ["a", "b"]


async def test_with_the_last_reader_the_connection_goes_too(valkey: redis.Redis) -> None:
    reader = StreamReader()
    before = len(connections_of(valkey))

    async with reader.subscribe(uuid.uuid4(), after=FIRST_ID) as subscription:
        await subscription.take(seconds=0.05)
        await until(lambda: len(connections_of(valkey)) > before)

    await until(lambda: len(connections_of(valkey)) == before)
    assert reader.open_streams == 0


async def test_a_loop_that_ends_while_the_reader_closes_leaves_no_connection(
    valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, closing = uuid.uuid4(), asyncio.Event()
    write(valkey, job, "a")
    before = len(connections_of(valkey))

    class SlowToClose(redis.asyncio.Redis):
        async def aclose(self, close_connection_pool: bool | None = None) -> None:
            closing.set()
            await asyncio.sleep(0)
            await super().aclose(close_connection_pool)

    monkeypatch.setattr(
        reader_module,
        "async_redis",
        lambda: SlowToClose.from_url(settings.REDIS_URL, decode_responses=True),
    )
    async with StreamReader().subscribe(job, after=FIRST_ID) as subscription:
        await subscription.take(seconds=SECONDS)
    await closing.wait()

    # As `asyncio.run` does when its coroutine has returned.
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)

    await until(lambda: len(connections_of(valkey)) == before)


async def test_one_connection_reads_many_streams(valkey: redis.Redis) -> None:
    reader, jobs = StreamReader(), [uuid.uuid4() for _ in range(40)]
    before = len(connections_of(valkey))
    subscriptions = []

    async with asyncio.timeout(SECONDS), contextlib.AsyncExitStack() as stack:
        for job in jobs:
            context = reader.subscribe(job, after=FIRST_ID)
            subscriptions.append(await stack.enter_async_context(context))
        for job in jobs:
            write(valkey, job, str(job))
        texts = [await read(subscription, 1) for subscription in subscriptions]
        # One blocks in XREAD; the wake-ups shared a few short-lived connections.
        blocked = [client for client in connections_of(valkey) if client["cmd"] == "xread"]
        assert texts == [[str(job)] for job in jobs]
        assert len(blocked) <= 1
    await until(lambda: len(connections_of(valkey)) == before)


def test_more_streams_are_read_less_often_and_still_soon() -> None:
    assert [choose_gathering(streams) for streams in (1, 100, 200, 400, 1000)] == [
        0.01, 0.01, 0.02, 0.04, 0.04,
    ]  # fmt: skip
