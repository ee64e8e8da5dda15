"""Several runs' events over one connection."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis
from django.test import Client

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream import together as together_module
from portal.lab.jobs.stream.feed import stream_job
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import FakeWorker, GenerationJobFactory
from tests.lab.playground.sse import SECONDS, Reader, Reading, in_thread, read_until, serve, sign_in
from tests.lab.playground.test_events import count_busy_connections

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serve() as address:
        yield address


@pytest.fixture
async def user() -> User:
    return await in_thread(UserFactory.create)


async def make_jobs(user: User, *, count: int, **traits: Any) -> list[GenerationJob]:
    traits = traits or {"running": True}
    return [await in_thread(GenerationJobFactory.create, user=user, **traits) for _ in range(count)]


async def read_together(site: str, user: User, runs: str) -> Reading:
    """Everything up to the end of the stream."""
    reader = Reader(site, await sign_in(user))
    async with asyncio.timeout(SECONDS), reader.open_together(runs) as (reading, messages):
        async for _ in messages:
            pass
    return reading


def pick(reading: Reading, job: GenerationJob) -> Reading:
    """One run's part of what was read, as the run's own stream has it."""
    mine = [message for message in reading.messages if message.id.startswith(f"{job.pk}:")]
    return Reading(reading.status, reading.headers, mine)


async def test_each_run_is_streamed_to_its_end_as_by_itself(
    valkey: redis.Redis, site: str, user: User
) -> None:
    jobs = await make_jobs(user, count=3)
    workers = [FakeWorker(valkey, job.pk) for job in jobs]
    reader = Reader(site, await sign_in(user))
    runs = ",".join(str(job.pk) for job in jobs)

    async with reader.open_together(runs) as (reading, messages):
        for number, worker in enumerate(workers):
            worker.start()
            worker.stream(f" run {number}\n\nevent: done", "!")
            await read_until(messages, "delta")
        for worker in reversed(workers):
            worker.end()
        async for _ in messages:
            pass

    assert (reading.status, reading.headers["x-accel-buffering"]) == (200, "no")
    for number, job in enumerate(jobs):
        alone = await reader.read(job.pk)
        assert pick(reading, job).text == f" run {number}\n\nevent: done!"
        assert [(m.event, m.data, m.id) for m in pick(reading, job).messages] == [
            (m.event, m.data, f"{job.pk}:{m.id}") for m in alone.messages
        ]


async def test_each_run_goes_on_behind_its_own_last_id(
    valkey: redis.Redis, site: str, user: User
) -> None:
    first, second = await make_jobs(user, count=2)
    lasts = []
    for job in (first, second):
        worker = FakeWorker(valkey, job.pk)
        worker.start()
        lasts.append(worker.stream(" one"))
        worker.stream(" two")
        worker.end()

    reading = await read_together(site, user, f"{first.pk}:{lasts[0]},{second.pk}:nonsense")

    assert pick(reading, first).events == ["delta", "done"]
    assert pick(reading, second).events == ["started", "delta", "delta", "done"]


async def test_runs_of_others_are_missing_and_the_rest_is_read(
    valkey: redis.Redis, site: str, user: User
) -> None:
    (own,) = await make_jobs(user, count=1, succeeded=True)
    (foreign,) = await make_jobs(await in_thread(UserFactory.create), count=1, succeeded=True)
    unknown = uuid.uuid4()

    reading = await read_together(site, user, f"{foreign.pk},{own.pk},{unknown}")

    told = {message.id: message.data for message in reading.messages if message.event == "missing"}
    words = {"type": "missing", "message": "There is no such run."}
    assert told == {f"{foreign.pk}:": words, f"{unknown}:": words}
    assert pick(reading, own).events == ["snapshot", "done"]
    assert len(reading.messages) == 4


async def test_a_run_that_ends_while_it_is_looked_up_is_told_to_its_end(
    valkey: redis.Redis, site: str, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream is gone by the time that it is subscribed to; only the row has its end."""
    (job,) = await make_jobs(user, count=1)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" all")

    async def end_first(job: GenerationJob, *, after: str) -> AsyncIterator[bytes]:
        await in_thread(record_outcome, worker.outcome())
        valkey.flushall()
        async for piece in stream_job(job, after=after):
            yield piece

    monkeypatch.setattr(together_module, "stream_job", end_first)
    reading = await read_together(site, user, str(job.pk))

    assert (reading.text, reading.events) == (" all", ["snapshot", "done"])


async def test_a_fault_of_one_run_breaks_the_connection_so_that_it_is_read_again(
    valkey: redis.Redis, user: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    jobs = await make_jobs(user, count=2)

    async def fail(job: GenerationJob, *, after: str) -> AsyncIterator[bytes]:
        yield b"event: state\ndata: {}\n\n"
        if job == jobs[0]:
            raise OSError("the broker is gone")
        await asyncio.sleep(SECONDS)

    monkeypatch.setattr(together_module, "stream_job", fail)
    frames = together_module.stream_together(dict.fromkeys(jobs, "0-0"))
    async with asyncio.timeout(SECONDS / 2):
        with pytest.raises(OSError, match="gone"):
            _ = [piece async for piece in frames]


async def test_thirty_two_runs_hold_no_database_connection(
    valkey: redis.Redis, site: str, user: User
) -> None:
    jobs = await make_jobs(user, count=32)
    reader = Reader(site, await sign_in(user))
    for job in jobs:
        FakeWorker(valkey, job.pk).start()

    async with reader.open_together(",".join(str(job.pk) for job in jobs)) as (_, messages):
        for _ in jobs:
            await read_until(messages, "started")
        await in_thread(expect_one_busy_connection)


def expect_one_busy_connection() -> None:
    """The board queries all of them through one; that of the request comes back soon."""
    give_up_at = time.monotonic() + SECONDS
    while count_busy_connections() > 1:
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("runs", "message"),
    [
        ("", "Runs is a list of run ids with commas between them."),
        ("1,2", "Runs is a list of run ids with commas between them."),
        (",".join(str(uuid.UUID(int=n)) for n in range(33)), "At most 32 runs can be followed"),
    ],
)
def test_other_lists_are_refused(client: Client, runs: str, message: str) -> None:
    client.force_login(UserFactory.create())

    response = client.get("/playground/events/", {"runs": runs})

    assert response.status_code == 400
    assert response.json()["error"]["message"].startswith(message)


async def test_without_a_session_a_reader_is_told_to_sign_in(
    valkey: redis.Redis, site: str
) -> None:
    async with Reader(site, {}).open_together(str(uuid.uuid4())) as (reading, _):
        assert reading.status == 401
