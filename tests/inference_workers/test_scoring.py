"""Log-probabilities, exact prompts and whole distributions, with the scripted engine."""

from __future__ import annotations

import asyncio
import math
from array import array

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.contract import (
    Delta,
    Done,
    FinishReason,
    GenerationRequest,
    JobOutcome,
    Row,
    Scored,
    Started,
    TokenLogprobs,
    Usage,
    row_key,
    stream_key,
)
from inference_workers.engines.scripted import (
    END_OF_PROMPT,
    END_OF_TEXT,
    VOCABULARY,
    ScriptedEngine,
    look_up,
)
from inference_workers.generation.scoring import Allowance, pack
from tests.inference_workers.conftest import (
    FakePortal,
    StartWorker,
    make_request,
    read_events,
    wait_until,
)

IDS = (79, 110, 99, 101)


async def outcome_of(portal: FakePortal, request: GenerationRequest) -> JobOutcome:
    await wait_until(lambda: bool(portal.outcomes(request.job_id)))
    return portal.outcomes(request.job_id)[0]


async def test_ids_are_the_prompt_exactly(start_worker: StartWorker, portal: FakePortal) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    request = make_request("", prompt_token_ids=IDS, sampling={"max_tokens": 2})

    await worker.run_job(request)

    assert engine.requests[0].prompt_ids == IDS
    outcome = await outcome_of(portal, request)
    assert outcome.prompt_token_ids == IDS
    assert outcome.usage == Usage(prompt_tokens=4, completion_tokens=2)


async def test_a_text_may_go_without_special_tokens(
    start_worker: StartWorker, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 1, "add_special_tokens": False})

    await worker.run_job(request)

    outcome = await outcome_of(portal, request)
    assert outcome.prompt_token_ids == tuple(b"Once")


async def test_each_token_has_its_log_probability(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 5, "logprobs": 3})

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    expected = tuple(look_up(token, width=3) for token in history.token_ids)
    assert history.logprobs == expected
    outcome = await outcome_of(portal, request)
    assert outcome.logprobs == expected


async def test_without_them_the_stream_says_no_word_of_them(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker()
    request = make_request("Once", sampling={"max_tokens": 5})

    await worker.run_job(request)

    raw = [fields["e"] for _, fields in await redis.xrange(stream_key(request.job_id))]
    assert [entry for entry in raw if "logprobs" in entry] == []


async def test_the_prompt_is_scored_before_the_first_token(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    worker = await start_worker()
    request = make_request(
        "", prompt_token_ids=IDS, sampling={"max_tokens": 1, "prompt_logprobs": 1, "logprobs": 1}
    )

    await worker.run_job(request)

    started, scored, delta, done = await read_events(redis, request.job_id)
    assert isinstance(started, Started)
    entries = (None, *(look_up(token, width=1) for token in IDS[1:]))
    assert scored == Scored(token_ids=IDS, logprobs=entries)
    assert isinstance(delta, Delta)
    assert (len(delta.token_ids), len(delta.logprobs)) == (1, 1)
    assert isinstance(done, Done)
    outcome = await outcome_of(portal, request)
    assert outcome.prompt_logprobs == entries


async def test_a_scored_end_of_text_is_a_token_of_the_answer(
    start_worker: StartWorker, redis: Redis
) -> None:
    """Evaluation harnesses cut one entry off the end, whatever it is."""
    worker = await start_worker()
    sampling = {"max_tokens": 1, "prompt_logprobs": 0, "logprobs": 0}
    request = make_request("[length=0] x", sampling=sampling)

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert history.token_ids == (END_OF_TEXT,)
    assert [entry.id for entry in history.logprobs] == [END_OF_TEXT]
    assert history.text == ""
    assert isinstance(history.end, Done)
    assert history.end.finish_reason is FinishReason.STOP


async def test_with_no_tokens_to_make_the_prompt_is_only_looked_at(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    request = make_request("Once", sampling={"max_tokens": 0, "prompt_logprobs": 0})

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert history.token_ids == ()
    assert history.scored is not None
    assert isinstance(history.end, Done)
    assert history.end.usage == Usage(prompt_tokens=5, completion_tokens=0)
    assert len(engine.requests) == 1


async def test_a_drawn_token_of_the_scoring_is_thrown_away(start_worker: StartWorker) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    request = make_request(
        "Once", sampling={"max_tokens": 3, "temperature": 1.0, "seed": 5, "prompt_logprobs": 0}
    )

    await worker.run_job(request)

    scoring, stream = engine.requests
    assert (scoring.max_tokens, stream.max_tokens, stream.seed) == (1, 3, 5)
    assert stream.prompt_ids == (*b"Once", END_OF_PROMPT)


async def test_a_worker_that_takes_over_keeps_what_was_scored(
    start_worker: StartWorker, redis: Redis, portal: FakePortal
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    sampling = {"max_tokens": 8, "prompt_logprobs": 0, "logprobs": 1}
    request = make_request("[die=3] x", sampling=sampling)

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert len(history.token_ids) == 8
    assert [entry.id for entry in history.logprobs] == list(history.token_ids)
    assert history.scored is not None
    assert sum(asked.max_tokens == 1 for asked in engine.requests) == 1


async def test_distributions_are_kept_as_rows(
    start_worker: StartWorker, redis: Redis, valkey_url: str
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    request = make_request("", prompt_token_ids=IDS, positions=(2, 4), sampling={"max_tokens": 0})

    await worker.run_job(request)

    _, *rows, done = await read_events(redis, request.job_id)
    assert rows == [Row(position=2, width=VOCABULARY), Row(position=4, width=VOCABULARY)]
    assert isinstance(done, Done)
    assert done.usage == Usage(prompt_tokens=4, completion_tokens=0)
    async with Redis.from_url(valkey_url) as client:
        raw = await client.get(row_key(request.job_id, 2))
    assert raw == pack([-math.log(VOCABULARY)] * VOCABULARY)
    assert len(array("f", raw)) == VOCABULARY
    # Each is what follows so many tokens of the prompt.
    assert [asked.prompt_ids for asked in engine.requests] == [IDS[:2], IDS]


async def test_a_structure_is_not_continued_but_begun_again(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    request = make_request("[die=3] x", sampling={"max_tokens": 6, "structure": {"regex": "a+"}})

    await worker.run_job(request)

    assert [len(asked.prompt_ids) for asked in engine.requests] == [10, 10]
    history = await read_history(redis, request.job_id)
    assert len(history.token_ids) == 6


async def test_own_biases_and_owed_penalties_add_up(start_worker: StartWorker) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine)
    sampling = {"max_tokens": 6, "logit_bias": {"7": 2.5}, "min_tokens": 5}
    request = make_request("[die=2] x", sampling=sampling)

    await worker.run_job(request)

    assert [asked.logit_bias for asked in engine.requests] == [{7: 2.5}, {7: 2.5}]
    assert [asked.min_tokens for asked in engine.requests] == [5, 3]


async def test_an_allowance_is_shared_in_order() -> None:
    allowance = Allowance(10)
    order: list[str] = []
    gates = {name: asyncio.Event() for name in "abcd"}

    async def work(name: str, amount: int) -> None:
        async with allowance.take(amount):
            order.append(name)
            await gates[name].wait()

    async def settle() -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    tasks = {
        name: asyncio.create_task(work(name, n))
        for name, n in zip("abcd", (6, 6, 99, 1), strict=True)
    }
    await settle()
    assert order == ["a"]

    tasks["b"].cancel()
    gates["a"].set()
    await settle()
    assert order == ["a", "c"]

    gates["c"].set()
    gates["d"].set()
    await asyncio.gather(tasks["a"], tasks["c"], tasks["d"])
    assert order == ["a", "c", "d"]
    with pytest.raises(asyncio.CancelledError):
        await tasks["b"]


def test_a_rank_is_none_outside_of_the_likeliest() -> None:
    assert look_up(5, width=1) == TokenLogprobs(5, -1.25, 2, ((6, -0.5),))
