"""The demo's model through the real launcher, engine and worker, against transformers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import read_history
from inference_workers.config import WorkerSettings
from inference_workers.worker import Worker
from tests.e2e.stack import DemoStack
from tests.inference_workers.conftest import FakePortal
from tests.inference_workers.real_engine import (
    WEIGHTS_DIR,
    ask,
    continue_greedily,
    visible,
)
from tests.inference_workers.scores import (
    largest_difference,
    look_up_with_transformers,
    read_tokenizer,
    score,
)

pytestmark = [pytest.mark.engine]

PROMPTS = ("The capital of France is", "def add(a, b):\n", "Once upon a time, there was")
TOKENS = 24
SMOLLM2 = "smollm2-135m"
WEIGHTS = WEIGHTS_DIR / SMOLLM2


@pytest.fixture(scope="module")
def replies() -> list[dict[str, Any]]:
    return continue_greedily(
        WEIGHTS, [{"prompt": prompt, "max_tokens": TOKENS} for prompt in PROMPTS]
    )


@pytest.fixture
async def worker(
    demo_stack: DemoStack, replies: list[dict[str, Any]], valkey_url: str, portal: FakePortal
) -> AsyncIterator[Worker]:
    """A worker of the tests' own on the demo's engine, which starts while transformers works."""
    demo_stack.wait_until_the_engine_is_ready()
    values = {
        "redis_url": valkey_url,
        "deployment": SMOLLM2,
        "engine_dir": demo_stack.engine_folder,
        "weights_dir": WEIGHTS_DIR,
    }
    settings = WorkerSettings.model_validate(values)
    worker = Worker(settings, settings.load_deployment(), send=portal.send)
    await worker.start()
    yield worker
    await worker.close()


async def test_smollm2_says_what_transformers_says(
    worker: Worker, redis: Redis, replies: list[dict[str, Any]]
) -> None:
    requests = [ask(SMOLLM2, prompt, TOKENS) for prompt in PROMPTS]
    await asyncio.gather(*(worker.run_job(request) for request in requests))

    for request, reply in zip(requests, replies, strict=True):
        history = await read_history(redis, request.job_id)
        assert list(history.token_ids) == reply["token_ids"]
        assert history.text == visible(reply["text"])


async def test_scores_are_those_of_transformers(worker: Worker, redis: Redis) -> None:
    """To 1e-3: hidden states of this model reach 7,900, so that is float32's own noise."""
    ids = smol_ids()
    (reference,) = look_up_with_transformers(WEIGHTS, [{"token_ids": ids, "width": 5}])
    request = score(SMOLLM2, ids, width=5)

    await worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert largest_difference(history, reference) <= 1e-3
    # The harness's question: is each token the most likely one? Both must agree.
    assert history.scored is not None
    greedy = [entry.rank == 1 for entry in history.scored.logprobs if entry]
    assert greedy == [
        top[0][0] == token for top, token in zip(reference["top"], ids[1:], strict=True)
    ]


def smol_ids() -> list[int]:
    text = "The capital of France is Paris, and that of Peru is Lima."
    return [int(token) for token in read_tokenizer(WEIGHTS).encode(text).ids]
