"""The demo's model through the real launcher, engine and worker, against transformers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from inference_workers.history import read_history
from inference_workers.worker import Worker
from tests.inference_workers.conftest import FakePortal
from tests.inference_workers.real_engine import (
    WEIGHTS_DIR,
    RealEngine,
    ask,
    continue_greedily,
    launch,
    run_tool,
    start_worker_of,
    visible,
)

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("engine")]

PROMPTS = ("The capital of France is", "def add(a, b):\n", "Once upon a time, there was")
TOKENS = 24


@pytest.fixture(scope="module")
def smol() -> Iterator[RealEngine]:
    run_tool("convert_smollm2.py", str(WEIGHTS_DIR / "smollm2-135m"))
    engine = launch("smollm2-135m")
    try:
        engine.wait_until_ready()
        yield engine
    finally:
        left = engine.stop()
    assert left == []


@pytest.fixture
async def smol_worker(
    smol: RealEngine, valkey_url: str, portal: FakePortal
) -> AsyncIterator[Worker]:
    worker = await start_worker_of(smol, valkey_url, portal)
    yield worker
    await worker.close()


async def test_smollm2_says_what_transformers_says(
    smol: RealEngine, smol_worker: Worker, redis: Redis
) -> None:
    asked = [{"prompt": prompt, "max_tokens": TOKENS} for prompt in PROMPTS]
    replies = continue_greedily(smol.weights, asked)
    requests = [ask("smollm2-135m", prompt, TOKENS) for prompt in PROMPTS]
    await asyncio.gather(*(smol_worker.run_job(request) for request in requests))

    for request, reply in zip(requests, replies, strict=True):
        history = await read_history(redis, request.job_id)
        assert list(history.token_ids) == reply["token_ids"]
        assert history.text == visible(reply["text"])
