"""Real vLLM, with tensor parallelism over two ranks, against transformers on the same weights."""

from __future__ import annotations

import asyncio
import os
import re
import signal
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families
from redis.asyncio import Redis

from inference_workers.broker.history import History, read_history
from inference_workers.contract import (
    Cancelled,
    CancelReason,
    Delta,
    Done,
    Failed,
    FailureCode,
    GenerationRequest,
    Snapshot,
    cancel_key,
    engine_deaths_key,
    stream_key,
)
from inference_workers.engines.vllm_server import VLLMServer
from inference_workers.generation.prompts import PROBES, PromptReader
from inference_workers.generation.text import CompletionText
from inference_workers.telemetry.engine_metrics import PASSED_ON
from inference_workers.tokenizer.files import TokenizerCodec, load_tokenizer
from inference_workers.worker import Worker
from tests.inference_workers.conftest import (
    read_events,
    wait_for_tokens,
    wait_until,
)
from tests.inference_workers.real_engine import (
    RealEngine,
    ask,
    continue_greedily,
    visible,
)

pytestmark = [pytest.mark.engine]

TINY_PROMPTS = ("The reviewer asked", "日本語 🙂", "A researcher signs the")
TINY_TOKENS = 200
LONG_PROMPT = "Where does this number come from"
LONG_TOKENS = 900


class CountingServer(VLLMServer):
    """Counts the texts that it was asked to tokenise."""

    asked = 0

    async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        self.asked += 1
        return await super().tokenize(text, add_special_tokens=add_special_tokens)


@pytest.fixture(scope="module")
def tiny_reference(tiny: RealEngine) -> dict[str, dict[str, Any]]:
    lengths = {**dict.fromkeys(TINY_PROMPTS, TINY_TOKENS), LONG_PROMPT: LONG_TOKENS}
    requests = [{"prompt": prompt, "max_tokens": n} for prompt, n in lengths.items()]
    return dict(zip(lengths, continue_greedily(tiny.weights, requests), strict=True))


async def run(worker: Worker, redis: Redis, request: GenerationRequest) -> History:
    await worker.run_job(request)
    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Done)
    assert history.end.usage.completion_tokens == len(history.token_ids)
    return history


PROPERTIES = {"type": "object", "properties": {f"p{place}": {} for place in range(256)}}
VALUES = [f"value {place}" for place in range(1000)]


@pytest.mark.parametrize(
    ("structure", "pattern"),
    [
        ({"json_schema": PROPERTIES}, r"\s*(\{.*)?"),
        ({"json_schema": {"enum": VALUES}}, r'\s*("value \d+"\s*)?'),
        ({"regex": "[a-z]{1,5000}"}, "[a-z]+"),
        ({"choice": VALUES}, r"value \d+"),
    ],
    ids=["properties", "enum", "regex", "choice"],
)
async def test_a_structure_at_its_bounds_is_kept(
    tiny_worker: Worker, redis: Redis, structure: dict[str, Any], pattern: str
) -> None:
    history = await run(tiny_worker, redis, ask("tiny-opt-tp2", "A", 40, structure=structure))

    assert re.fullmatch(pattern, history.text, re.DOTALL)


@pytest.mark.parametrize(
    "structure",
    [
        {"regex": "[a-"},
        {"json_schema": {"$ref": "#/$defs/none"}},
        {"json_schema": {"type": "array", "uniqueItems": True}},
    ],
    ids=["regex", "pointer", "keyword"],
)
async def test_a_structure_that_the_engine_refuses_is_no_death_of_it(
    tiny_worker: Worker, redis: Redis, structure: dict[str, Any]
) -> None:
    request = ask("tiny-opt-tp2", "The reviewer", 4, structure=structure)

    await tiny_worker.run_job(request)

    history = await read_history(redis, request.job_id)
    assert isinstance(history.end, Failed)
    assert history.end.code is FailureCode.INVALID_REQUEST
    assert not await redis.exists(engine_deaths_key(request.job_id))


def test_two_tensor_parallel_ranks_exist(tiny: RealEngine) -> None:
    ranks = [name for name in tiny.process_names() if name.startswith("VLLM::Worker_TP")]

    assert sorted(ranks) == ["VLLM::Worker_TP0", "VLLM::Worker_TP1"]


async def test_greedy_tokens_are_those_of_transformers(
    tiny_worker: Worker, redis: Redis, tiny_reference: dict[str, dict[str, Any]]
) -> None:
    requests = {prompt: ask("tiny-opt-tp2", prompt, TINY_TOKENS) for prompt in TINY_PROMPTS}
    await asyncio.gather(*(tiny_worker.run_job(request) for request in requests.values()))

    for prompt, request in requests.items():
        history = await read_history(redis, request.job_id)
        assert list(history.token_ids) == tiny_reference[prompt]["token_ids"]
        assert history.text == visible(tiny_reference[prompt]["text"])
        assert history.started is not None
        assert history.started.prompt_tokens == len(tiny_reference[prompt]["prompt_ids"])


async def test_the_files_beside_the_weights_read_prompts_as_vllm_does(tiny: RealEngine) -> None:
    settings = tiny.worker_settings("redis://unused")
    deployment = settings.load_deployment()
    engine = CountingServer(model=deployment.model_name, socket=settings.socket)
    found = load_tokenizer(settings, deployment)
    assert found is not None
    prompts = PromptReader(engine)
    prompts.learn(TokenizerCodec(found.tokenizer))
    await prompts.prove()

    ids = [await prompts.read(ask("tiny-opt-tp2", prompt, 1)) for prompt in TINY_PROMPTS]

    assert engine.asked == 2 * len(PROBES)
    assert ids == [await engine.tokenize(prompt) for prompt in TINY_PROMPTS]
    await engine.close()


@pytest.mark.parametrize("cut", [1, 7, 50, 51, 52, 53, TINY_TOKENS - 1])
async def test_continuation_is_the_undisturbed_run(
    tiny: RealEngine,
    tiny_worker: Worker,
    redis: Redis,
    tiny_reference: dict[str, dict[str, Any]],
    cut: int,
) -> None:
    """The tiny model's bytes are random: many cuts fall inside a character."""
    prompt = TINY_PROMPTS[1]
    reference = tiny_reference[prompt]
    settings = tiny.worker_settings("redis://unused")
    found = load_tokenizer(settings, settings.load_deployment())
    assert found is not None
    said = CompletionText(TokenizerCodec(found.tokenizer), reference["prompt_ids"], ()).push(
        reference["token_ids"][:cut]
    )
    request = ask("tiny-opt-tp2", prompt, TINY_TOKENS)
    delta = Delta(offset=0, text=said.text, token_ids=said.token_ids)
    await redis.xadd(stream_key(request.job_id), {"e": delta.model_dump_json()})

    history = await run(tiny_worker, redis, request)

    assert list(history.token_ids) == reference["token_ids"]
    assert history.text == visible(reference["text"])
    assert not any(isinstance(e, Snapshot) for e in await read_events(redis, request.job_id))


async def test_stop_string_ends_before_itself(
    tiny_worker: Worker, redis: Redis, tiny_reference: dict[str, dict[str, Any]]
) -> None:
    prompt = TINY_PROMPTS[0]
    whole = visible(tiny_reference[prompt]["text"])
    stop = whole[60:63]

    history = await run(tiny_worker, redis, ask("tiny-opt-tp2", prompt, TINY_TOKENS, stop=(stop,)))

    assert history.text == whole.partition(stop)[0]
    ids = tiny_reference[prompt]["token_ids"]
    assert list(history.token_ids) == ids[: len(history.token_ids)]
    assert len(history.token_ids) < TINY_TOKENS


async def test_seed_repeats_a_sampled_run(tiny_worker: Worker, redis: Redis) -> None:
    sampled = [
        await run(tiny_worker, redis, ask("tiny-opt-tp2", "The", 30, temperature=1.0, seed=seed))
        for seed in (7, 7, 8)
    ]

    assert sampled[0].token_ids == sampled[1].token_ids
    assert sampled[0].token_ids != sampled[2].token_ids


async def test_vllm_has_the_metrics_that_are_passed_on(tiny_worker: Worker, redis: Redis) -> None:
    await run(tiny_worker, redis, ask("tiny-opt-tp2", "The", 10))

    families = text_string_to_metric_families(await tiny_worker.engine.metrics())

    kinds = {family.name: family.type for family in families}
    assert {name: kinds.get(name) for name in PASSED_ON} == dict(PASSED_ON)


async def test_stop_frees_the_engine(tiny_worker: Worker, redis: Redis) -> None:
    """Without the message, by the slower of the two ways to notice a stop."""
    # Several, since one may have ended before a busy machine notices the stop.
    requests = [ask("tiny-opt-tp2", "The", 900) for _ in range(8)]
    running = [asyncio.create_task(tiny_worker.run_job(request)) for request in requests]
    await wait_for_tokens(redis, requests[0].job_id, 10, seconds=30)

    for request in requests:
        await redis.set(cancel_key(request.job_id), CancelReason.USER.value)
    await asyncio.gather(*running)

    async def is_free() -> bool:
        load = await tiny_worker.engine.load()
        return (load.running, load.waiting) == (0, 0)

    await wait_until(is_free, seconds=30)
    for request in requests:
        history = await read_history(redis, request.job_id)
        assert isinstance(history.end, Cancelled)
        assert history.end.reason is CancelReason.USER
        assert len(history.token_ids) < 900


async def test_killed_engine_costs_no_token(
    tiny: RealEngine,
    tiny_worker: Worker,
    redis: Redis,
    tiny_reference: dict[str, dict[str, Any]],
) -> None:
    requests = [ask("tiny-opt-tp2", LONG_PROMPT, LONG_TOKENS) for _ in range(2)]
    jobs = [asyncio.create_task(tiny_worker.run_job(request)) for request in requests]
    killed = tiny.pid
    for request in requests:
        await wait_for_tokens(redis, request.job_id, 5, seconds=30)
    os.kill(killed, signal.SIGKILL)
    lengths = [len((await read_history(redis, r.job_id)).token_ids) for r in requests]
    assert max(lengths) < LONG_TOKENS

    await asyncio.gather(*jobs)

    assert tiny.pid != killed
    reference = tiny_reference[LONG_PROMPT]
    for request in requests:
        history = await read_history(redis, request.job_id)
        assert isinstance(history.end, Done)
        assert history.is_whole
        assert list(history.token_ids) == reference["token_ids"]
        assert history.text == visible(reference["text"])
