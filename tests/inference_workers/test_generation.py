"""A job runs once, to one end, with the right tokens, whatever happens in between."""

from __future__ import annotations

import asyncio

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.contract import (
    Delta,
    Done,
    Failed,
    FailureCode,
    FinishReason,
    JobsStarted,
    SamplingParams,
    Snapshot,
    Started,
    Usage,
    end_key,
    lease_key,
    recorded_key,
    stream_key,
)
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.generation.generator import carry_penalties, shift_seed
from inference_workers.lifecycle import JobResult
from tests.inference_workers.conftest import (
    FakePortal,
    StartWorker,
    expected_text,
    make_request,
    prompt_tokens,
    read_events,
    wait_until,
)


async def test_job_is_streamed_to_its_end(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 30})

    assert await worker.run_job(request) is JobResult.FINISHED

    started, *deltas, done = await read_events(redis, request.job_id)
    tokens = prompt_tokens("Once")
    assert started == Started(worker=worker.id, attempt=1, prompt_tokens=tokens)
    assert all(isinstance(delta, Delta) for delta in deltas)
    usage = Usage(prompt_tokens=tokens, completion_tokens=30)
    assert done == Done(finish_reason=FinishReason.LENGTH, usage=usage)
    assert (await read_history(redis, request.job_id)).text == expected_text("Once", 30)


async def test_outcome_and_start_reach_the_portal(
    start_worker: StartWorker, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 30})
    await worker.run_job(request)

    await wait_until(lambda: portal.outcomes(request.job_id))
    first = portal.messages[0][1]
    assert isinstance(first, JobsStarted)
    assert [(start.job_id, start.prompt_tokens) for start in first.starts] == [
        (request.job_id, prompt_tokens("Once"))
    ]
    [outcome] = portal.outcomes(request.job_id)
    assert outcome.text == expected_text("Once", 30)
    assert len(outcome.token_ids) == outcome.usage.completion_tokens == 30
    assert outcome.end.type == "done"
    assert outcome.first_token_ms is not None


async def test_lease_is_released_once_the_outcome_is_recorded(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    portal.is_recording = False
    worker = await start_worker()
    request = make_request()
    await worker.run_job(request)

    assert await redis.get(lease_key(request.job_id)) == worker.id
    await redis.set(recorded_key(request.job_id), "1")

    async def is_released() -> bool:
        return not await redis.exists(lease_key(request.job_id))

    await wait_until(is_released)


async def test_outcome_is_repeated_until_it_is_recorded(
    start_worker: StartWorker, portal: FakePortal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("inference_workers.broker.outcomes.REPEAT_SECONDS", 0.1)
    portal.is_recording = False
    worker = await start_worker()
    request = make_request()
    await worker.run_job(request)
    await wait_until(lambda: len(portal.outcomes(request.job_id)) >= 2)

    portal.is_recording = True
    await wait_until(lambda: worker.jobs.get(request.job_id) is None)
    assert len({outcome.text for outcome in portal.outcomes(request.job_id)}) == 1


async def test_stream_lost_after_its_end_is_written_again_until_recorded(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    portal.is_recording = False
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 12})
    await worker.run_job(request)
    await redis.flushall()

    await wait_until(lambda: redis.exists(stream_key(request.job_id)))
    snapshot, done = await read_events(redis, request.job_id)
    assert isinstance(snapshot, Snapshot)
    assert snapshot.text == expected_text("Once", 12)
    assert isinstance(done, Done)


async def test_model_that_stops_by_itself_is_done(start_worker: StartWorker, redis: Redis) -> None:
    worker = await start_worker()
    prompt = "[length=5]x"
    request = make_request(prompt)
    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    usage = Usage(prompt_tokens=prompt_tokens(prompt), completion_tokens=6)
    assert history.end == Done(finish_reason=FinishReason.STOP, usage=usage)
    assert history.text == expected_text(prompt, 5)


async def test_stop_string_ends_the_completion_before_itself(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 200, "stop": ("“words”",)})
    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Done)
    assert history.end.finish_reason is FinishReason.STOP
    assert history.text == expected_text("Once", 200).partition("“words”")[0]


async def test_two_deliveries_at_once_run_the_job_once(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    engine = ScriptedEngine()
    first, second = await start_worker(engine=engine), await start_worker(engine=engine)
    request = make_request("[delay=0.005]x")

    results = await asyncio.gather(
        *(worker.run_job(request) for worker in (first, second, first, second))
    )

    assert sorted(result.name for result in results) == ["DROPPED"] * 3 + ["FINISHED"]
    assert len(engine.requests) == 1
    events = await read_events(redis, request.job_id)
    assert [event.type for event in events if event.type in ("started", "done")] == [
        "started",
        "done",
    ]


async def test_delivery_after_the_end_is_dropped(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request()
    await worker.run_job(request)
    await wait_until(lambda: worker.jobs.get(request.job_id) is None)
    before = await read_events(redis, request.job_id)

    assert await worker.run_job(request) is JobResult.DROPPED
    assert await read_events(redis, request.job_id) == before


async def test_end_that_was_never_recorded_is_recorded_by_the_next_worker(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    portal.is_recording = False
    dying = await start_worker()
    request = make_request("Once")
    await dying.run_job(request)
    await wait_until(lambda: portal.outcomes(request.job_id))
    await dying._outcomes.close()
    sent = len(portal.outcomes(request.job_id))
    await redis.delete(lease_key(request.job_id))
    portal.is_recording = True

    assert await (await start_worker()).run_job(request) is JobResult.FINISHED
    await wait_until(lambda: len(portal.outcomes(request.job_id)) > sent)
    first, *_, last = portal.outcomes(request.job_id)
    assert (last.text, last.token_ids, last.end, last.usage) == (
        first.text,
        first.token_ids,
        first.end,
        first.usage,
    )


async def test_job_that_the_portal_ended_is_dropped(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    request = make_request()
    await redis.set(end_key(request.job_id), "portal")

    assert await (await start_worker()).run_job(request) is JobResult.DROPPED
    assert await redis.exists(stream_key(request.job_id)) == 0
    assert portal.messages == []


async def test_job_continues_from_the_tokens_already_streamed(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("Once", attempt=2, sampling={"max_tokens": 60})
    ids = list(expected_text("Once", 60).encode())
    cut = expected_text("Once", 60).encode().index("ï".encode()) + 1  # Inside a character.
    said = Delta(offset=0, text=bytes(ids[: cut - 1]).decode(), token_ids=tuple(ids[:cut]))
    for event in (Started(worker="dead", attempt=1, prompt_tokens=5), said):
        await redis.xadd(stream_key(request.job_id), {"e": event.model_dump_json()})

    assert await worker.run_job(request) is JobResult.FINISHED

    history = await read_history(redis, request.job_id)
    assert history.is_whole
    assert history.text == expected_text("Once", 60)
    assert len(history.token_ids) == 60
    assert engine.requests[0].max_tokens == 60 - cut
    assert not any(
        isinstance(event, Snapshot) for event in await read_events(redis, request.job_id)
    )


async def test_stop_string_that_straddles_an_interruption_is_found(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker()
    whole = expected_text("Once", 200)
    stop = "writes"
    request = make_request("Once", sampling={"max_tokens": 200, "stop": (stop,)})
    before, _, _ = whole.partition(stop)
    ids = tuple((before + "wri").encode())
    # The dead worker held "wri" back, for it might begin the stop string.
    said = Delta(offset=0, text=before, token_ids=ids)
    await redis.xadd(stream_key(request.job_id), {"e": said.model_dump_json()})

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert history.text == before
    assert history.end is not None
    assert history.end.type == "done"
    assert len(history.token_ids) == len((before + stop).encode())


async def test_continuation_of_a_complete_job_only_ends_it(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    request = make_request("Once", sampling={"max_tokens": 4})
    said = Delta(offset=0, text="abcd", token_ids=tuple(b"abcd"))
    await redis.xadd(stream_key(request.job_id), {"e": said.model_dump_json()})

    await worker.run_job(request)

    assert engine.requests == []
    end = (await read_history(redis, request.job_id)).end
    assert isinstance(end, Done)
    assert (end.finish_reason, end.usage.completion_tokens) == (FinishReason.LENGTH, 4)


async def test_prompt_past_the_context_is_refused(start_worker: StartWorker, redis: Redis) -> None:
    worker = await start_worker(max_model_len=20)
    fits = make_request("x" * 9, sampling={"max_tokens": 10})
    too_long = make_request("x" * 10, sampling={"max_tokens": 10})
    await worker.run_job(fits)
    await worker.run_job(too_long)

    assert isinstance((await read_history(redis, fits.job_id)).end, Done)
    end = (await read_history(redis, too_long.job_id)).end
    assert isinstance(end, Failed)
    assert end.code is FailureCode.CONTEXT_LENGTH_EXCEEDED


@pytest.mark.parametrize("prompt", ["", "refused\0"])
async def test_request_that_cannot_be_run_fails(
    start_worker: StartWorker, redis: Redis, prompt: str
) -> None:
    worker = await start_worker()
    request = make_request(prompt)
    await worker.run_job(request)

    end = (await read_history(redis, request.job_id)).end
    assert isinstance(end, Failed)
    assert end.code is FailureCode.INVALID_REQUEST


def test_seed_moves_on_with_the_tokens() -> None:
    assert [shift_seed(7, 0), shift_seed(7, 5), shift_seed(None, 5)] == [7, 12, None]
    assert shift_seed(2**63 - 1, 1) == 0


def test_penalties_are_carried_over() -> None:
    sampling = SamplingParams(max_tokens=1, presence_penalty=0.5, frequency_penalty=0.25)

    assert carry_penalties(sampling, [4, 4, 9]) == {4: -1.0, 9: -0.75}
    assert carry_penalties(SamplingParams(max_tokens=1), [4]) == {}


async def test_more_tokens_than_the_deployment_allows_are_refused(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker(max_tokens=10)
    allowed = make_request(sampling={"max_tokens": 10})
    too_many = make_request(sampling={"max_tokens": 11})
    await worker.run_job(allowed)
    await worker.run_job(too_many)

    assert isinstance((await read_history(redis, allowed.job_id)).end, Done)
    assert (await read_history(redis, too_many.job_id)).end == Failed(
        code=FailureCode.INVALID_REQUEST, detail="max_tokens 11 is above the deployment's 10"
    )
