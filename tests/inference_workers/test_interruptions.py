"""Stops, deadlines, and engines and workers that die: the job still has one right end."""

from __future__ import annotations

import asyncio
import math
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.contract import (
    Cancelled,
    CancelReason,
    ControlMessage,
    Done,
    Failed,
    FailureCode,
    FinishReason,
    Snapshot,
    cancel_key,
    control_channel,
    end_key,
    lease_key,
    stream_key,
)
from inference_workers.engines.base import Chunk, EngineLoad, EngineRequest
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.generation import generator
from inference_workers.lifecycle import JobResult
from inference_workers.worker import Worker
from tests.inference_workers.conftest import (
    FakePortal,
    StartWorker,
    expected_text,
    make_request,
    prompt_tokens,
    read_events,
    wait_for_tokens,
    wait_until,
)


async def test_stop_frees_the_engine_and_says_so(start_worker: StartWorker, redis: Redis) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("[delay=0.01]x", sampling={"max_tokens": 4000})
    running = asyncio.create_task(worker.run_job(request))
    await wait_for_tokens(redis, request.job_id, 5)

    await redis.set(cancel_key(request.job_id), CancelReason.USER.value)
    message = ControlMessage(job_id=request.job_id)
    await redis.publish(control_channel("scripted"), message.model_dump_json())
    await running

    assert engine.running == 0
    end = (await read_history(redis, request.job_id)).end
    assert isinstance(end, Cancelled)
    assert end.reason is CancelReason.USER
    assert end.freed_ms is not None


class BreathlessEngine(ScriptedEngine):
    """Always has the next token ready, as a fast engine has for a busy worker."""

    turns: int = 0
    turns_while_streaming: int = 0
    """How often something else in the loop ran while tokens came."""

    async def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        self.turns = 0
        for _ in range(request.max_tokens - 1):
            yield Chunk("", (ord("a"),), None)
        self.turns_while_streaming = self.turns
        yield Chunk("", (ord("a"),), FinishReason.LENGTH)


async def test_engine_that_never_pauses_leaves_turns_to_everything_else(
    start_worker: StartWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    # A busy machine that delays the process would look like an engine that does.
    monkeypatch.setattr(generator, "SUSPENDED_SECONDS", math.inf)
    engine = BreathlessEngine()
    worker = await start_worker(engine=engine)
    running = asyncio.create_task(worker.run_job(make_request("x", sampling={"max_tokens": 1000})))

    while not running.done():
        engine.turns += 1
        await asyncio.sleep(0)

    assert engine.turns_while_streaming >= 999


async def test_stop_works_when_the_message_is_lost(start_worker: StartWorker, redis: Redis) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("[hang=3]x")
    running = asyncio.create_task(worker.run_job(request))
    await wait_for_tokens(redis, request.job_id, 3)

    await redis.set(cancel_key(request.job_id), CancelReason.ACCESS_ENDED.value)
    await running

    assert engine.running == 0
    end = (await read_history(redis, request.job_id)).end
    assert isinstance(end, Cancelled)
    assert end.reason is CancelReason.ACCESS_ENDED


class MuteEngine(ScriptedEngine):
    """Generates, but never reports its load."""

    async def load(self) -> EngineLoad:
        await asyncio.Event().wait()
        raise AssertionError("never reached")


async def test_stop_does_not_wait_for_an_engine_that_does_not_say_whether_it_is_free(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker(engine=MuteEngine())
    request = make_request("[hang=3]x")
    running = asyncio.create_task(worker.run_job(request))
    await wait_for_tokens(redis, request.job_id, 3)

    await redis.set(cancel_key(request.job_id), CancelReason.USER.value)
    await asyncio.wait_for(running, 20)

    end = (await read_history(redis, request.job_id)).end
    assert end == Cancelled(reason=CancelReason.USER, freed_ms=None)


async def test_job_cancelled_before_it_began_never_reaches_the_engine(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request()
    await redis.set(cancel_key(request.job_id), CancelReason.DELETED.value)

    await worker.run_job(request)

    assert engine.requests == []
    [event] = await read_events(redis, request.job_id)
    assert isinstance(event, Cancelled)
    await wait_until(lambda: portal.outcomes(request.job_id))


async def test_deadline_ends_a_job_that_hangs(start_worker: StartWorker, redis: Redis) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("[hang=2]x", seconds=3)
    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert history.end == Failed(code=FailureCode.DEADLINE_EXCEEDED)
    assert history.text == expected_text("[hang=2]x", 2)
    assert engine.running == 0


async def test_deadline_holds_while_the_engine_is_away(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker(engine=ScriptedEngine(is_up=False))
    request = make_request(seconds=0.5)
    await worker.run_job(request)

    end = (await read_history(redis, request.job_id)).end
    assert end == Failed(code=FailureCode.DEADLINE_EXCEEDED)


async def test_job_waits_for_an_engine_that_starts(start_worker: StartWorker, redis: Redis) -> None:
    engine = ScriptedEngine(is_up=False)
    worker = await start_worker(engine=engine)
    request = make_request()
    running = asyncio.create_task(worker.run_job(request))
    await wait_until(lambda: worker.jobs.get(request.job_id) is not None)
    engine.is_up = True

    await running
    assert isinstance((await read_history(redis, request.job_id)).end, Done)


async def test_engine_that_dies_once_costs_no_token(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine(deaths_left=1)
    worker = await start_worker(engine=engine)
    prompt = "[die=17]x"
    request = make_request(prompt, sampling={"max_tokens": 60})
    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Done)
    assert history.text == expected_text(prompt, 60)
    assert [len(sent.prompt_ids) - prompt_tokens(prompt) for sent in engine.requests] == [0, 17]
    assert [sent.max_tokens for sent in engine.requests] == [60, 43]


async def test_engine_that_is_away_for_a_while_costs_no_token(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    prompt = "[delay=0.005]x"
    request = make_request(prompt, sampling={"max_tokens": 60})
    running = asyncio.create_task(worker.run_job(request))
    await wait_for_tokens(redis, request.job_id, 10)
    engine.is_up = False
    await wait_until(lambda: engine.running == 0)
    engine.is_up = True
    await running

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Done)
    assert history.text == expected_text(prompt, 60)


async def test_job_whose_engine_dies_twice_fails(start_worker: StartWorker, redis: Redis) -> None:
    engine = ScriptedEngine(deaths_left=5)
    worker = await start_worker(engine=engine)
    request = make_request("[die=3]x")
    await worker.run_job(request)

    end = (await read_history(redis, request.job_id)).end
    assert isinstance(end, Failed)
    assert end.code is FailureCode.ENGINE_ERROR
    assert len(engine.requests) == 2


async def test_fenced_worker_falls_silent(
    start_worker: StartWorker,
    redis: Redis,
    portal: FakePortal,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("inference_workers.broker.leases.LEASE_RENEWAL_SECONDS", 1)
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("[delay=0.01]x", sampling={"max_tokens": 4000})
    running = asyncio.create_task(worker.run_job(request))
    await wait_for_tokens(redis, request.job_id, 5)
    await redis.set(lease_key(request.job_id), "somebody-else")

    assert await asyncio.wait_for(running, 5) is JobResult.FENCED
    length = await redis.xlen(stream_key(request.job_id))
    await asyncio.sleep(0.1)
    assert await redis.xlen(stream_key(request.job_id)) == length
    assert await redis.get(lease_key(request.job_id)) == "somebody-else"
    assert await redis.exists(end_key(request.job_id)) == 0
    assert portal.outcomes(request.job_id) == []
    assert engine.running == 0


async def test_job_handed_over_is_continued_by_another_worker(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    first, second = await start_worker(), await start_worker()
    prompt = "[delay=0.005]x"
    request = make_request(prompt, sampling={"max_tokens": 80})
    running = asyncio.create_task(first.run_job(request))
    await wait_for_tokens(redis, request.job_id, 10)

    first.hand_over_all()
    assert await running is JobResult.HANDED_OVER
    assert await redis.exists(lease_key(request.job_id)) == 0
    assert await first.run_job(request) is JobResult.HANDED_OVER
    assert await second.run_job(request) is JobResult.FINISHED

    history = await read_history(redis, request.job_id)
    assert history.is_whole
    assert history.text == expected_text(prompt, 80)


async def test_fault_in_the_program_ends_the_job_with_a_code(
    start_worker: StartWorker, redis: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker: Worker = await start_worker()

    async def crash(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(worker._generator, "complete", crash)
    request = make_request()
    await worker.run_job(request)

    end = (await read_history(redis, request.job_id)).end
    assert end == Failed(code=FailureCode.ENGINE_ERROR, detail="ZeroDivisionError")


async def test_without_a_tokenizer_an_interrupted_completion_begins_again(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker: Worker = await start_worker(engine=ScriptedEngine(deaths_left=1))
    worker._generator.decoder = None
    request = make_request("[die=5]x", sampling={"max_tokens": 20})
    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Done)
    assert bytes(history.token_ids).decode(errors="ignore") == expected_text("[die=5]x", 20)
    events = await read_events(redis, request.job_id)
    assert Snapshot(text="", token_ids=()) in events
