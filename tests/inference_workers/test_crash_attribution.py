"""Engines that die of one request: it is found, and no other request fails."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from redis.asyncio import Redis

from inference_workers.broker.engine_deaths import remember_deaths
from inference_workers.broker.history import read_history, read_past
from inference_workers.contract import (
    Done,
    Failed,
    FailureCode,
    GenerationRequest,
    engine_deaths_key,
)
from inference_workers.engines.base import Chunk, EngineFailedError, EngineRequest
from inference_workers.engines.scripted import ScriptedEngine, split_prompt
from inference_workers.generation.crash_attribution import (
    FIRST_TRIAL,
    LATE_PROOF,
    MOST_DEATHS,
    CrashAttribution,
)
from inference_workers.job import PROOF_TOKENS, RunningJob
from inference_workers.worker import Worker
from tests.inference_workers.conftest import StartWorker, expected_text, make_request

POISON = b"poison"
LATE_POISON = b"[delay=0.002]late poison"
LATE_TOKENS = 20
"""Tokens that the request makes at each attempt before the engine dies."""


class MortalEngine(ScriptedEngine):
    """Dies with all its requests when it reads a poisoned prompt; it is back a moment later."""

    def __init__(self) -> None:
        super().__init__()
        self.deaths = 0

    async def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        prompt, _ = split_prompt(request.prompt_ids)
        if prompt == POISON:
            # The other requests are in progress when it reads this prompt.
            await asyncio.sleep(0.02)
            self.deaths += 1
        life, made = self.deaths, 0
        async for chunk in super().generate(request):
            if prompt == LATE_POISON and made == LATE_TOKENS:
                self.deaths += 1
            if self.deaths != life or prompt == POISON:
                raise EngineFailedError("the engine died")
            made += len(chunk.token_ids)
            yield chunk


async def run_together(worker: Worker, requests: list[GenerationRequest]) -> None:
    await asyncio.gather(*(worker.run_job(request) for request in requests))


async def test_the_one_that_kills_is_failed_and_the_others_finish(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = MortalEngine()
    worker = await start_worker(engine=engine)
    innocent = [make_request(f"[delay=0.005]{n}", sampling={"max_tokens": 60}) for n in range(12)]
    poison = make_request(POISON.decode())
    await run_together(worker, [*innocent, poison])

    end = (await read_history(redis, poison.job_id)).end
    assert isinstance(end, Failed)
    assert end.code is FailureCode.ENGINE_ERROR
    for request in innocent:
        history = await read_history(redis, request.job_id)
        assert isinstance(history.end, Done)
        assert history.text == expected_text(request.prompt, 60)
    # Once with all, then until it was the only suspect: once more if the engine died just before
    # the innocent ones were cleared.
    assert engine.deaths <= 4


async def test_a_killer_alone_is_failed_at_its_second_death(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = MortalEngine()
    worker = await start_worker(engine=engine)
    poison = make_request(POISON.decode())
    await worker.run_job(poison)

    assert isinstance((await read_history(redis, poison.job_id)).end, Failed)
    assert engine.deaths == 2


async def test_one_that_kills_late_is_failed_and_the_others_finish(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = MortalEngine()
    worker = await start_worker(engine=engine)
    innocent = [make_request(f"[delay=0.002]{n}", sampling={"max_tokens": 400}) for n in range(12)]
    poison = make_request(LATE_POISON.decode(), sampling={"max_tokens": 400})
    await run_together(worker, [*innocent, poison])

    end = (await read_history(redis, poison.job_id)).end
    assert isinstance(end, Failed)
    assert end.code is FailureCode.ENGINE_ERROR
    for request in innocent:
        history = await read_history(redis, request.job_id)
        assert isinstance(history.end, Done)
        assert history.text == expected_text(request.prompt, 400)
    # Known as the killer immediately, after a death without a recent suspect.
    assert engine.deaths <= 4


async def test_the_next_worker_knows_of_the_deaths_before(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = MortalEngine()
    worker = await start_worker(engine=engine)
    poison = make_request(POISON.decode())
    await redis.set(engine_deaths_key(poison.job_id), 1)
    await worker.run_job(poison)

    assert isinstance((await read_history(redis, poison.job_id)).end, Failed)
    assert engine.deaths == 1


def make_job(deaths: int = 0) -> RunningJob:
    return RunningJob(make_request(), engine_deaths=deaths)


async def begin(suspects: CrashAttribution, job: RunningJob) -> asyncio.Event:
    """Attempt the job in the background; the event ends it."""
    end = asyncio.Event()

    async def attempt() -> None:
        async with suspects.attempt(job):
            await end.wait()

    job.interrupted.clear()
    task = asyncio.create_task(attempt())
    end.task = task  # type: ignore[attr-defined]  # keeps the task alive
    for _ in range(5):
        await asyncio.sleep(0)
    return end


async def test_a_few_suspects_are_tried_before_the_others() -> None:
    suspects = CrashAttribution()
    jobs = [make_job(deaths=1) for _ in range(FIRST_TRIAL + 12)]
    ends = [await begin(suspects, job) for job in jobs]
    running = []
    for _ in range(2):
        running.append(len(suspects._on_trial()))
        for job in suspects._on_trial():
            job.token_ids.extend(range(PROOF_TOKENS))
            suspects.observe(job)
        for _ in range(5):
            await asyncio.sleep(0)

    assert running == [FIRST_TRIAL, 12]
    assert [job.engine_deaths for job in jobs] == [0] * len(ends)


async def test_after_a_second_death_each_is_tried_alone() -> None:
    suspects = CrashAttribution()
    jobs = [make_job(deaths=2) for _ in range(3)]
    newcomer = make_job()
    ends = [await begin(suspects, job) for job in (*jobs, newcomer)]

    assert suspects._on_trial() == [jobs[0]]
    assert list(suspects._running) == [jobs[0]]
    ends[0].set()


async def test_who_had_proved_itself_goes_on_at_once() -> None:
    suspects = CrashAttribution()
    proved, young = [make_job() for _ in range(3 * FIRST_TRIAL)], make_job()
    ends = [await begin(suspects, job) for job in (*proved, young)]
    for job in proved:
        job.token_ids.extend(range(PROOF_TOKENS))

    verdicts = [suspects.accuse(job) for job in (*proved, young)]
    for end in ends:
        end.set()
        await end.task  # type: ignore[attr-defined]
    again = [await begin(suspects, job) for job in (young, *proved)]

    assert verdicts == [False] * len(ends)
    assert [job.engine_deaths for job in (young, *proved)] == [1] + [0] * len(proved)
    assert list(suspects._running) == [young, *proved]
    for end in again:
        end.set()


async def test_after_a_late_death_a_proof_takes_twice_the_tokens() -> None:
    suspects = CrashAttribution()
    job = make_job()
    first = await begin(suspects, job)
    job.token_ids.extend(range(50))
    suspects.accuse(job)
    first.set()
    await first.task  # type: ignore[attr-defined]

    second = await begin(suspects, job)
    job.token_ids.extend(range(LATE_PROOF * 50 - 1))
    suspects.accuse(job)
    deaths_before_proof = job.engine_deaths
    job.token_ids.append(0)
    suspects.observe(job)

    assert (deaths_before_proof, job.engine_deaths, job.proof_tokens) == (1, 0, LATE_PROOF * 50)
    second.set()


async def test_the_next_worker_knows_what_proves_a_job(redis: Redis) -> None:
    job = make_job(deaths=1)
    job.proof_tokens = 70

    await remember_deaths(redis, job)

    past = await read_past(redis, job.job_id)
    assert (past.engine_deaths, past.proof_tokens) == (1, 70)


async def test_who_broke_off_together_is_judged_together() -> None:
    suspects = CrashAttribution()
    first, second = make_job(), make_job()
    ends = [await begin(suspects, job) for job in (first, second)]
    first.engine_deaths = second.engine_deaths = 1

    assert suspects.accuse(first) is False
    ends[0].set()
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    # It is the only one left now, but was not when the engine died.
    assert suspects.accuse(second) is False


async def test_nobody_sees_engines_die_for_ever() -> None:
    suspects = CrashAttribution()
    job, other = make_job(), make_job()
    ends = [await begin(suspects, each) for each in (job, other)]

    verdicts = [suspects.accuse(job) for _ in range(MOST_DEATHS)]

    assert verdicts == [False] * (MOST_DEATHS - 1) + [True]
    ends[0].set()
