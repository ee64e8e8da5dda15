"""What only the real engine can show about log-probabilities and parameters, with a tiny OPT."""

from __future__ import annotations

import asyncio
import json
import math
import re
from array import array
from typing import Any

import pytest
from redis.asyncio import Redis

from inference_workers.broker.history import History, read_history
from inference_workers.contract import (
    Done,
    Failed,
    FailureCode,
    FinishReason,
    SamplingParams,
    row_key,
)
from inference_workers.worker import Worker
from tests.inference_workers.conftest import FakePortal, wait_until
from tests.inference_workers.real_engine import (
    RealEngine,
    ask,
)
from tests.inference_workers.scores import (
    largest_difference,
    look_up_with_transformers,
    read_tokenizer,
    score,
)

pytestmark = [pytest.mark.engine]

OPT = "tiny-opt-tp2"
NOISE = 1e-3
"""The spread of these weights is so wide that the engine's float32 differs from float64 by up to
2.7e-4 in a token's log-probability, depending on the kernels; an error differs by whole nats."""
TEXT = "The reviewer asked where this number comes from. 日本語 🙂"


@pytest.fixture
def ids(tiny: RealEngine) -> list[int]:
    return [int(token) for token in read_tokenizer(tiny.weights).encode(TEXT).ids]


async def complete(worker: Worker, redis: Redis, **sampling: Any) -> History:
    request = ask(OPT, TEXT, 24)
    values = {**request.sampling.model_dump(), **sampling}
    request = request.model_copy(update={"sampling": SamplingParams.model_validate(values)})
    await worker.run_job(request)
    return await read_history(redis, request.job_id)


async def test_scores_and_rows_are_those_of_transformers(
    tiny: RealEngine, tiny_worker: Worker, redis: Redis, valkey_url: str, ids: list[int]
) -> None:
    (reference,) = look_up_with_transformers(tiny.weights, [{"token_ids": ids, "width": 20}])
    scored, rows = score(OPT, ids, width=20), score(OPT, ids, width=0, max_tokens=0)
    rows = rows.model_copy(update={"positions": (len(ids),)})

    await asyncio.gather(tiny_worker.run_job(scored), tiny_worker.run_job(rows))

    history = await read_history(redis, scored.job_id)
    assert largest_difference(history, reference) <= NOISE
    assert len(history.token_ids) == len(history.logprobs) == 1
    best = max(range(len(reference["last"])), key=reference["last"].__getitem__)
    assert history.token_ids == (best,)
    assert abs(history.logprobs[0].logprob - reference["last"][best]) <= NOISE
    async with Redis.from_url(valkey_url) as client:
        row = array("f", await client.get(row_key(rows.job_id, len(ids))))
    assert len(row) == len(reference["last"])
    assert max(abs(a - b) for a, b in zip(row, reference["last"], strict=True)) <= 2 * NOISE
    assert abs(math.fsum(map(math.exp, row)) - 1.0) <= 1e-5


async def test_the_whole_vocabulary_of_a_prompt(
    tiny: RealEngine, tiny_worker: Worker, redis: Redis, ids: list[int]
) -> None:
    request = score(OPT, ids[:3], width=-1, logprobs=None)

    await tiny_worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert history.scored is not None
    vocabulary = json.loads((tiny.weights / "config.json").read_text())["vocab_size"]
    widths = [len(entry.top) if entry else None for entry in history.scored.logprobs]
    assert widths == [None, vocabulary, vocabulary]


async def test_generated_tokens_have_their_own_log_probability(
    tiny_worker: Worker, redis: Redis
) -> None:
    history = await complete(tiny_worker, redis, logprobs=2)

    assert [entry.id for entry in history.logprobs] == list(history.token_ids)
    # Greedy: each token is the most likely one, and the same float is in both places.
    assert [entry.top[0] for entry in history.logprobs] == [
        (entry.id, entry.logprob) for entry in history.logprobs
    ]


async def test_a_stop_token_ends_the_run_and_counts(tiny_worker: Worker, redis: Redis) -> None:
    free = await complete(tiny_worker, redis)
    stop = free.token_ids[5]
    first = free.token_ids.index(stop)

    stopped = await complete(tiny_worker, redis, stop_token_ids=(stop,), logprobs=0)
    delayed = await complete(tiny_worker, redis, stop_token_ids=(stop,), min_tokens=first + 3)

    assert stopped.token_ids == free.token_ids[: first + 1]
    assert len(stopped.logprobs) == first + 1
    assert isinstance(stopped.end, Done)
    assert stopped.end.finish_reason is FinishReason.STOP
    assert len(delayed.token_ids) >= first + 3


async def test_only_allowed_tokens_are_drawn(tiny_worker: Worker, redis: Redis) -> None:
    history = await complete(
        tiny_worker, redis, allowed_token_ids=(300, 301), temperature=1.0, seed=3
    )

    assert set(history.token_ids) == {300, 301}


async def test_a_seed_draws_the_same_again_and_another_does_not(
    tiny_worker: Worker, redis: Redis
) -> None:
    runs = [await complete(tiny_worker, redis, temperature=1.0, seed=seed) for seed in (7, 7, 8)]

    assert runs[0].token_ids == runs[1].token_ids
    assert runs[0].token_ids != runs[2].token_ids


async def test_a_structure_is_kept(tiny_worker: Worker, redis: Redis) -> None:
    phone, choice = await asyncio.gather(
        complete(tiny_worker, redis, structure={"regex": r"\d{3}-\d{4}"}),
        complete(tiny_worker, redis, structure={"choice": ["yes", "no"]}),
    )

    assert re.fullmatch(r"\d{3}-\d{4}", phone.text)
    assert choice.text in {"yes", "no"}


async def test_an_id_beyond_the_vocabulary_is_refused(tiny_worker: Worker, redis: Redis) -> None:
    request = score(OPT, [5, 2_000_000], width=0)

    await tiny_worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Failed)
    assert history.end.code is FailureCode.INVALID_REQUEST


async def test_the_receipt_names_engine_and_weights(
    tiny_worker: Worker, redis: Redis, portal: FakePortal
) -> None:
    await wait_until(lambda: tiny_worker._provenance.known is not None)
    request = score(OPT, [5, 6], width=0)
    await tiny_worker.run_job(request)
    await wait_until(lambda: bool(portal.outcomes(request.job_id)))

    provenance = portal.outcomes(request.job_id)[0].provenance
    assert provenance is not None
    assert (provenance.engine, provenance.dtype) == ("vllm", "float32")
    assert provenance.engine_version.startswith("0.")
    assert re.fullmatch(r"sha256:[0-9a-f]{64}", provenance.weights)
    assert provenance.tensor_parallel_size == 2
