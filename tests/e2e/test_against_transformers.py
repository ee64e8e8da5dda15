"""The demo's model through the real launcher, engine and worker, against transformers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
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
from tests.inference_workers.scores import (
    largest_difference,
    look_up_with_transformers,
    read_tokenizer,
    score,
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


async def test_scores_are_those_of_transformers(
    smol: RealEngine, smol_worker: Worker, redis: Redis
) -> None:
    """To 1e-3: hidden states of this model reach 7,900, so that is float32's own noise."""
    ids = smol_ids(smol)
    (reference,) = look_up_with_transformers(smol.weights, [{"token_ids": ids, "width": 5}])
    request = score("smollm2-135m", ids, width=5)

    await smol_worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert largest_difference(history, reference) <= 1e-3
    # The harness's question: is each token the most likely one? Both must agree.
    assert history.scored is not None
    greedy = [entry.rank == 1 for entry in history.scored.logprobs if entry]
    assert greedy == [
        top[0][0] == token for top, token in zip(reference["top"], ids[1:], strict=True)
    ]


def smol_ids(smol: RealEngine) -> list[int]:
    text = "The capital of France is Paris, and that of Peru is Lima."
    return [int(token) for token in read_tokenizer(smol.weights).encode(text).ids]
