"""The portal sees what a worker and its engine are doing."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from redis.asyncio import Redis
from tokenizers import Tokenizer, models

from inference_workers.config import WorkerSettings
from inference_workers.contract import (
    HEARTBEAT_TTL_SECONDS,
    WORKERS_KEY,
    EngineState,
    Heartbeat,
    tokenizer_key,
    worker_key,
)
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.engines.status import EngineStatus, write_status
from inference_workers.worker import Worker
from tests.inference_workers.conftest import StartWorker, make_request, wait_until


def write_tokenizer(folder: Path) -> None:
    folder.mkdir(parents=True)
    tokenizer = Tokenizer(models.WordLevel({"a": 0}, unk_token="a"))
    tokenizer.save(str(folder / "tokenizer.json"))


async def take_pulse(worker: Worker) -> Heartbeat:
    await worker.monitor.probe()
    return await worker.heartbeat.build()


def write_launcher_status(settings: WorkerSettings, state: EngineState, *, age: int) -> None:
    then = datetime.now(UTC) - timedelta(seconds=age)
    status = EngineStatus(
        deployment="scripted",
        state=state,
        since=then,
        updated_at=datetime.now(UTC),
        launcher_pid=1,
        last_start_seconds=50.0,
    )
    settings.status_file.parent.mkdir(parents=True, exist_ok=True)
    write_status(settings.status_file, status)


async def test_heartbeat_tells_of_worker_and_engine(
    start_worker: StartWorker, redis: Redis
) -> None:
    worker = await start_worker(tensor_parallel_size=8, pipeline_parallel_size=2)

    async def says_ready() -> bool:
        heartbeat = await read_heartbeat(redis, worker)
        return heartbeat is not None and heartbeat.engine is EngineState.READY

    # The worker's first heartbeat, from before the first probe, may still be on its way.
    await wait_until(says_ready)
    heartbeat = await read_heartbeat(redis, worker)

    assert heartbeat is not None
    assert heartbeat.ready_in_seconds is None
    assert (heartbeat.deployment, heartbeat.model) == ("scripted", "scripted")
    assert (heartbeat.tensor_parallel_size, heartbeat.pipeline_parallel_size) == (8, 2)
    assert (heartbeat.max_num_seqs, heartbeat.max_model_len) == (8, 4096)
    assert (heartbeat.running, heartbeat.waiting) == (0, 0)
    assert await redis.ttl(worker_key(worker.id)) >= HEARTBEAT_TTL_SECONDS - 2
    expires_at = await redis.zscore(WORKERS_KEY, worker.id)
    assert expires_at is not None
    assert 0 < expires_at - time.time() <= HEARTBEAT_TTL_SECONDS


async def read_heartbeat(redis: Redis, worker: Worker) -> Heartbeat | None:
    value = await redis.get(worker_key(worker.id))
    return Heartbeat.model_validate_json(value) if value else None


async def test_running_jobs_and_tokens_per_second_are_counted(
    start_worker: StartWorker,
) -> None:
    worker = await start_worker()
    done = make_request(sampling={"max_tokens": 50})
    await worker.run_job(done)
    running = asyncio.create_task(worker.run_job(make_request("[hang=1]x", seconds=2)))
    await wait_until(lambda: len(worker.jobs.running()) == 1)

    heartbeat = await take_pulse(worker)

    assert heartbeat.running == 1
    assert heartbeat.tokens_per_second >= 5.0  # 50 tokens within the last ten seconds
    await running


async def test_starting_engine_says_when_it_will_be_ready(
    start_worker: StartWorker, worker_settings: WorkerSettings
) -> None:
    write_launcher_status(worker_settings, EngineState.STARTING, age=20)
    worker = await start_worker(engine=ScriptedEngine(is_up=False))

    heartbeat = await take_pulse(worker)

    assert heartbeat.engine is EngineState.STARTING
    assert heartbeat.ready_in_seconds in (29, 30)


async def test_estimate_falls_back_to_the_deployments_expectation(
    start_worker: StartWorker,
) -> None:
    worker = await start_worker(engine=ScriptedEngine(is_up=False), expected_start_seconds=40)

    heartbeat = await take_pulse(worker)

    assert (heartbeat.engine, heartbeat.ready_in_seconds) == (EngineState.STARTING, 40)


@pytest.mark.parametrize("state", [EngineState.DOWN, EngineState.READY])
async def test_engine_that_its_launcher_does_not_start_is_down(
    start_worker: StartWorker, worker_settings: WorkerSettings, state: EngineState
) -> None:
    write_launcher_status(worker_settings, state, age=1)
    worker = await start_worker(engine=ScriptedEngine(is_up=False))

    assert (await take_pulse(worker)).engine is EngineState.DOWN


async def test_engine_that_was_ready_and_vanished_is_down(
    start_worker: StartWorker,
) -> None:
    engine = ScriptedEngine()
    worker = await start_worker(engine=engine)
    assert (await take_pulse(worker)).engine is EngineState.READY
    engine.is_up = False

    assert (await take_pulse(worker)).engine is EngineState.DOWN


async def test_worker_that_stops_is_gone_at_once(start_worker: StartWorker, redis: Redis) -> None:
    worker = await start_worker()
    await wait_until(lambda: redis.exists(worker_key(worker.id)))

    await worker.close()

    async with redis.client() as client:
        assert await client.exists(worker_key(worker.id)) == 0
        assert await client.zscore(WORKERS_KEY, worker.id) is None


async def test_tokenizer_is_published_and_published_again_when_lost(
    start_worker: StartWorker, redis: Redis, worker_settings: WorkerSettings
) -> None:
    write_tokenizer(worker_settings.weights_dir / "scripted")
    worker = await start_worker()
    key = tokenizer_key("scripted")
    await wait_until(lambda: redis.exists(key))
    await redis.flushall()

    await worker._tokenizer.publish()

    assert Tokenizer.from_str(await redis.get(key)).get_vocab() == {"a": 0}
