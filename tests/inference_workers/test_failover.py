"""An engine that is down, and another worker whose engine is up."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.contract import Done, EngineState
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.lifecycle import JobResult
from tests.inference_workers.conftest import (
    StartWorker,
    expected_text,
    make_request,
    wait_for_tokens,
    wait_until,
)


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("inference_workers.generation.failover.GRACE_SECONDS", 0.2)
    monkeypatch.setattr("inference_workers.generation.failover.LOOK_SECONDS", 0.1)
    monkeypatch.setattr("inference_workers.broker.peers.FRESH_SECONDS", 0.1)


async def test_a_run_goes_on_at_the_worker_whose_engine_stands_ready(
    start_worker: StartWorker, redis: Redis
) -> None:
    engine = ScriptedEngine()
    first, second = await start_worker(engine=engine), await start_worker(engine=ScriptedEngine())
    await wait_until(lambda: second.monitor.state is EngineState.READY)
    await second.heartbeat.beat()
    prompt = "[delay=0.005]x"
    request = make_request(prompt, sampling={"max_tokens": 80})
    running = asyncio.create_task(first.run_job(request))
    await wait_for_tokens(redis, request.job_id, 10)

    engine.is_up = False
    assert await running is JobResult.HANDED_OVER
    # Its message comes back to the queue, and this worker does not take it.
    assert await first.run_job(request) is JobResult.HANDED_OVER
    assert await second.run_job(request) is JobResult.FINISHED

    history = await read_history(redis, request.job_id)
    assert history.is_whole
    assert isinstance(history.end, Done)
    assert history.text == expected_text(prompt, 80)


@pytest.mark.parametrize("peer", ["none", "starting", "full", "another deployment"])
async def test_without_a_better_place_the_run_waits_for_its_engine(
    start_worker: StartWorker, redis: Redis, peer: str
) -> None:
    engine = ScriptedEngine(is_up=False)
    worker = await start_worker(engine=engine)
    if peer != "none":
        changes: dict[str, dict[str, Any]] = {
            "full": {"max_num_seqs": 0},
            "another deployment": {"slug": "other"},
        }
        is_up = peer != "starting"
        other = await start_worker(engine=ScriptedEngine(is_up=is_up), **changes.get(peer, {}))
        await wait_until(lambda: (other.monitor.state is EngineState.READY) is is_up)
        await other.heartbeat.beat()
    request = make_request()
    running = asyncio.create_task(worker.run_job(request))
    await wait_until(lambda: worker.jobs.get(request.job_id) is not None)
    done, _ = await asyncio.wait([running], timeout=0.6)
    assert done == set()

    engine.is_up = True
    assert await running is JobResult.FINISHED
