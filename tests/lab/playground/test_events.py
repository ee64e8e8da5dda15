"""A run's events, from the real application with a real broker."""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
import uuid
from collections.abc import AsyncIterator, Mapping
from typing import Any

import pytest
import redis
from django.db import connection
from pytest_django import Settings

from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Delta,
    EngineState,
    Failed,
    FailureCode,
    Snapshot,
    stream_key,
)
from portal.gate.access.enums import GrantState
from portal.gate.access.models import Grant
from portal.gate.access.signals import access_ended
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.stopping import erase_job, request_cancel
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream import board as board_module
from portal.lab.jobs.stream import feed as feed_module
from portal.lab.jobs.stream.board import current_board, read_facts
from portal.platform.accounts.models import User
from tests.factories.accounts import UserFactory
from tests.factories.jobs import FakeWorker, GenerationJobFactory, beat, make_researcher
from tests.lab.playground.conftest import fill_in
from tests.lab.playground.sse import SECONDS, Reader, in_thread, read_until, serve, sign_in
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serve() as address:
        yield address


async def make_job(site: str, **traits: Any) -> tuple[GenerationJob, Reader]:
    job = await in_thread(GenerationJobFactory.create, **traits)
    return job, Reader(site, await sign_in(job.user))


async def test_a_run_is_streamed_to_its_end(valkey: redis.Redis, site: str) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" and", " then")

    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "delta")
        worker.stream(" it", " ended")
        worker.end()
        await read_until(messages, "done")

    assert reading.text == " and then it ended"
    assert reading.events == ["started", *["delta"] * 4, "done"]
    assert reading.headers["content-type"] == "text/event-stream; charset=utf-8"
    assert reading.headers["cache-control"] == "no-cache, no-transform"
    assert reading.headers["x-accel-buffering"] == "no"
    assert reading.messages[-1].data["usage"] == {"prompt_tokens": 3, "completion_tokens": 4}


async def test_who_submits_reads_the_run_in_the_same_answer(valkey: redis.Redis, site: str) -> None:
    user, model = await in_thread(make_researcher)
    reader = Reader(site, await sign_in(user))

    async with reader.submit(fill_in(model)) as (reading, messages):
        accepted = await read_until(messages, "accepted")
        job = await in_thread(GenerationJob.objects.get)
        worker = FakeWorker(valkey, job.pk)
        worker.start()
        last = worker.stream(" there", " was")
        worker.end()
        await read_until(messages, "done")

    assert accepted.data == {
        "type": "accepted",
        "id": str(job.pk),
        "url": f"/playground/runs/{job.pk}/",
        "events_url": f"/playground/runs/{job.pk}/events/",
        "stop_url": f"/playground/runs/{job.pk}/stop/",
        "notes_url": f"/playground/runs/{job.pk}/notes/",
    }
    assert (reading.status, reading.text) == (201, " there was")
    assert reading.events == ["accepted", "started", "delta", "delta", "done"]
    assert (await reader.read(job.pk, last_event_id=last)).events == ["done"]


async def test_a_refusal_is_no_stream(valkey: redis.Redis, site: str) -> None:
    user, model = await in_thread(make_researcher)
    reader = Reader(site, await sign_in(user))

    async with reader.submit(fill_in(model) | {"max_tokens": "0"}) as (reading, _):
        assert (reading.status, reading.headers["content-type"]) == (422, "application/json")


async def test_reading_again_goes_on_behind_the_last_id(valkey: redis.Redis, site: str) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    last = worker.stream(" one", " two")
    worker.stream(" three")
    worker.end()

    reading = await reader.read(job.pk, last_event_id=last)

    assert (reading.text, reading.events) == (" three", ["delta", "done"])


async def test_an_id_that_is_not_one_of_ours_starts_from_the_beginning(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.stream(" one")
    worker.end()

    assert (await reader.read(job.pk, last_event_id="> $ +")).text == " one"


async def test_operators_words_and_workers_names_stay_inside(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk, name="gpu-host-7")
    worker.start()
    worker.end(Failed(code=FailureCode.ENGINE_ERROR, detail="trace of secrets"))

    reading = await reader.read(job.pk)

    assert reading.messages[-1].data == {
        "type": "failed",
        "code": "engine_error",
        "message": ("The engine failed during this run. It has been logged; run again."),
    }
    assert "gpu-host-7" not in str(reading.messages)


@pytest.mark.parametrize("trait", ["succeeded", "failed", "cancelled"])
async def test_an_ended_run_is_told_from_its_row(
    valkey: redis.Redis, site: str, trait: str
) -> None:
    job, reader = await make_job(site, **{trait: True})

    reading = await reader.read(job.pk)

    end = {"succeeded": "done"}.get(trait, trait)
    assert (reading.text, reading.events) == (" and on", ["snapshot", end])


async def test_a_run_whose_stream_is_lost_ends_by_its_row(
    valkey: redis.Redis, site: str, settings: Settings
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" lost")

    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "delta")
        running_valkey().kill()
        running_valkey().start(wipe=True)
        worker.stream(" but", " not", " the row")
        await in_thread(record_outcome, worker.outcome())
        valkey.flushall()
        await read_until(messages, "done")

    assert reading.text == " lost but not the row"


async def test_a_rebuilt_stream_replaces_what_the_reader_has(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" once")

    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "delta")
        running_valkey().kill()
        running_valkey().start(wipe=True)
        worker.write(Snapshot(text=" once", token_ids=(100,)))
        worker.stream(" more")
        worker.end()
        await read_until(messages, "done")

    assert reading.text == " once more"


async def test_while_it_waits_a_run_hears_its_place_and_the_engine(
    valkey: redis.Redis, site: str
) -> None:
    ahead, _ = await make_job(site)
    job, reader = await make_job(site)
    beat(valkey, engine=EngineState.STARTING, ready_in_seconds=40)

    async with reader.open(job.pk) as (_, messages):
        first = await read_until(messages, "state")
        await in_thread(request_cancel, ahead, reason=CancelReason.USER, actor=None)
        beat(valkey)
        async with asyncio.timeout(10):
            async for message in messages:
                if message.data["position"] == 1:
                    break

    assert first.id == ""
    assert first.data == {
        "type": "state",
        "state": "queued",
        "position": 2,
        "estimate_seconds": 40,
        "engine": "starting",
        "ready_in_seconds": 40,
        "message": "The model is starting, about 40 s.",
    }
    assert (message.data["engine"], message.data["estimate_seconds"]) == ("ready", 0)


async def test_a_run_that_began_is_not_called_waiting_while_its_row_lags(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" on")

    async with reader.open(job.pk) as (reading, messages):
        ending = asyncio.create_task(read_until(messages, "done"))
        await wait_for_ticks(job, count=3)
        worker.end()
        await ending

    assert [message.event for message in reading.messages] == ["started", "delta", "done"]


async def test_a_place_that_was_looked_up_before_the_run_began_is_not_told(
    valkey: redis.Redis, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    job, reader = await make_job(site)
    worker = FakeWorker(valkey, job.pk)
    has_begun = threading.Event()

    def read_slowly(jobs: Mapping[uuid.UUID, str]) -> object:
        facts = read_facts(jobs)
        if not has_begun.is_set():
            worker.start()
            assert has_begun.wait(SECONDS)
        return facts

    monkeypatch.setattr(board_module, "read_facts", read_slowly)
    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "started")
        has_begun.set()
        ending = asyncio.create_task(read_until(messages, "done"))
        await wait_for_ticks(job, count=2)
        worker.end()
        await ending

    assert [message.event for message in reading.messages] == ["started", "done"]


async def test_a_run_whose_worker_is_lost_waits_again(valkey: redis.Redis, site: str) -> None:
    job, reader = await make_job(site)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" on")
    worker.lose_lease()

    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "state")

    assert [message.event for message in reading.messages] == ["started", "delta", "state"]


async def wait_for_ticks(job: GenerationJob, *, count: int) -> None:
    """Wait until the board has checked the job this often."""
    async with asyncio.timeout(SECONDS):
        while not any(  # noqa: ASYNC110 -- the board signals no one
            watch.job_id == job.pk and watch.ticks >= count for watch in current_board()._watches
        ):
            await asyncio.sleep(0.02)


async def test_without_a_worker_the_run_says_so(valkey: redis.Redis, site: str) -> None:
    job, reader = await make_job(site)

    async with reader.open(job.pk) as (_, messages):
        state = await read_until(messages, "state")

    assert state.data["engine"] == "no_worker"
    assert state.data["message"] == (
        "No worker is online for this model. Your run waits until one is."
    )


async def test_a_silent_stream_is_kept_alive(
    valkey: redis.Redis, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feed_module, "KEEP_ALIVE_SECONDS", 0.2)
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()

    async with reader.open(job.pk) as (reading, messages):
        waiting = asyncio.create_task(read_until(messages, "done"))
        async with asyncio.timeout(10):
            while reading.comments < 2:  # noqa: ASYNC110 -- another task counts
                await asyncio.sleep(0.05)
        worker.end()
        await waiting

    assert feed_module.KEEP_ALIVE_SECONDS < 15


async def test_a_run_whose_engine_is_silent_says_so_until_it_answers(
    valkey: redis.Redis, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "SILENT_SECONDS", 1.0)
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" one")
    beat(valkey)

    async with reader.open(job.pk) as (reading, messages):
        silent = await read_until(messages, "silent")
        worker.stream(" two")
        await read_until(messages, "delta")
        again = await read_until(messages, "silent")
        beat(valkey, engine=EngineState.STARTING, ready_in_seconds=40)
        async with asyncio.timeout(SECONDS):
            async for message in messages:
                if message.data.get("engine") == "starting":
                    break
        worker.end()
        await read_until(messages, "done")

    seconds = silent.data["seconds"]
    assert (1 <= seconds < 5, 1 <= again.data["seconds"] < 5) == (True, True)
    assert silent.id == ""
    assert silent.data == {
        "type": "silent",
        "seconds": seconds,
        "engine": "ready",
        "ready_in_seconds": None,
        "message": f"The engine has not answered for {seconds} s. If it stays silent, it is "
        "restarted, and the run continues by itself.",
    }
    assert message.data["message"] == (
        "The engine is starting again, about 40 s. Then the run continues by itself."
    )
    assert [m.event for m in reading.messages if m.event != "silent"] == [
        "started", "delta", "delta", "done",
    ]  # fmt: skip


async def test_a_reader_that_returns_hears_how_long_the_engine_was_silent_before(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    ago = f"{int((time.time() - 90) * 1000)}-0"
    event = Delta(offset=0, text=" one", token_ids=(100,)).model_dump_json()
    valkey.xadd(stream_key(job.pk), {"e": event}, id=ago)
    worker.lease()
    beat(valkey)

    for last_event_id in (ago, ""):
        async with reader.open(job.pk, last_event_id=last_event_id) as (_, messages):
            silent = await read_until(messages, "silent")
            assert 90 <= silent.data["seconds"] < 100


async def test_a_waiting_run_is_not_called_silent(
    valkey: redis.Redis, site: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(board_module, "SILENT_SECONDS", 0.1)
    job, reader = await make_job(site)

    async with reader.open(job.pk) as (reading, messages):
        for _ in range(3):
            await read_until(messages, "state")

    assert {message.event for message in reading.messages} == {"state"}


async def test_stopping_a_queued_run_ends_its_stream(valkey: redis.Redis, site: str) -> None:
    job, reader = await make_job(site)

    async with reader.open(job.pk) as (_, messages):
        await read_until(messages, "state")
        await in_thread(request_cancel, job, reason=CancelReason.USER, actor=job.user)
        end = await read_until(messages, "cancelled")

    assert end.data["message"] == "Stopped. It had not started yet."


async def test_revoking_access_ends_the_stream_with_the_reason(
    valkey: redis.Redis, site: str
) -> None:
    user, model = await in_thread(make_researcher)
    job, reader = await make_job(site, user=user, model=model)

    async with reader.open(job.pk) as (_, messages):
        await read_until(messages, "state")
        await in_thread(revoke, user)
        end = await read_until(messages, "cancelled")

    assert end.data["reason"] == "access_ended"


def revoke(user: User) -> None:
    grant = Grant.objects.get(user=user)
    Grant.objects.filter(pk=grant.pk).update(state=GrantState.REVOKED)
    access_ended.send(sender=Grant, user_id=user.pk, model_id=grant.model_id, grant_id=grant.pk)


async def test_a_running_run_that_is_deleted_ends_its_stream(
    valkey: redis.Redis, site: str
) -> None:
    job, reader = await make_job(site, running=True)
    worker = FakeWorker(valkey, job.pk)
    worker.start()

    async with reader.open(job.pk) as (_, messages):
        await read_until(messages, "started")
        await in_thread(erase_job, job, actor=job.user)
        worker.end(Cancelled(reason=CancelReason.DELETED, freed_ms=12))
        end = await read_until(messages, "cancelled")

    assert end.data["reason"] == "deleted"


async def test_a_stranger_finds_nothing(valkey: redis.Redis, site: str) -> None:
    job, _ = await make_job(site, running=True)
    stranger = await in_thread(UserFactory.create)

    reading = await Reader(site, await sign_in(stranger)).read(job.pk)
    unknown = await Reader(site, await sign_in(stranger)).read(uuid.uuid4())

    assert (reading.status, unknown.status) == (404, 404)


async def test_without_a_session_a_reader_is_told_to_sign_in(
    valkey: redis.Redis, site: str
) -> None:
    job, _ = await make_job(site, running=True)

    assert (await Reader(site, {}).read(job.pk)).status == 401


async def test_thirty_open_streams_hold_no_database_connection(
    valkey: redis.Redis, site: str
) -> None:
    user = await in_thread(UserFactory.create)
    jobs = [(await make_job(site, user=user, running=True))[0] for _ in range(30)]
    reader = Reader(site, await sign_in(user))
    for job in jobs:
        FakeWorker(valkey, job.pk).start()

    async with contextlib.AsyncExitStack() as stack:
        for job in jobs:
            _, messages = await stack.enter_async_context(reader.open(job.pk))
            await read_until(messages, "started")
        busy = await in_thread(count_busy_connections)

    # The board queries all of them through one connection.
    assert busy <= 1


def count_busy_connections() -> int:
    """The pool's connections in use, except the one that counts."""
    stats = connection.pool.get_stats()  # type: ignore[attr-defined]
    return int(stats["pool_size"] - stats["pool_available"])
