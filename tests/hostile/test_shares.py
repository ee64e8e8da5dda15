"""One person's work must not stop another's: shares of the queue, stopping, the event loop."""

from __future__ import annotations

import asyncio
import json
import threading
from collections import Counter
from typing import Any

import pytest
import redis
from django.conf import settings as conf
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from portal.lab.api import calls
from portal.lab.api.routes import tokens as token_routes
from portal.lab.jobs.domain import tokens
from portal.lab.jobs.domain.calls import submit_call
from portal.lab.jobs.domain.lifecycle import record_started
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.domain.tokens import decode_ids, encode_text
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream import reader_presence
from portal.lab.scoring.domain import tokens as scoring_tokens
from portal.platform.core.concurrency_limit import places_of_loop
from tests.factories.jobs import FakeWorker, make_researcher
from tests.inference_workers.conftest import wait_until
from tests.lab.api.client import ApiClient, aclient_of
from tests.lab.api.conftest import TOKENIZER, Laboratory, laboratory
from tests.lab.playground.sse import in_thread

__all__ = ["laboratory"]

SAMPLES = {"prompt": ["a", "b", "c", "d"], "n": 128, "max_tokens": 1, "stream": True}
"""One call that is 512 runs."""


async def another(laboratory: Laboratory) -> ApiClient:
    """A second researcher of the same model."""
    user, _ = await in_thread(make_researcher, laboratory.model)
    return await aclient_of(user)


async def ask(client: ApiClient, laboratory: Laboratory, **body: Any) -> Any:
    return await client.ask("/v1/completions", json={"model": laboratory.model.slug, **body})


async def leave(response: Any) -> None:
    """Disconnect after the stream's first piece, like a client whose connection breaks."""
    has_begun = asyncio.Event()

    async def read() -> None:
        async for _ in response.streaming_content:
            has_begun.set()

    reading = asyncio.create_task(read())
    await has_begun.wait()
    reading.cancel()
    await asyncio.gather(reading, return_exceptions=True)


async def test_one_call_of_512_runs_takes_no_place_from_others(laboratory: Laboratory) -> None:
    neighbour = await another(laboratory)

    answers = [
        (await ask(laboratory.client, laboratory, **SAMPLES)).status_code,
        (await ask(neighbour, laboratory, prompt="a", stream=True)).status_code,
        (await ask(neighbour, laboratory, **SAMPLES)).status_code,
        (await ask(laboratory.client, laboratory, prompt="a", stream=True)).status_code,
    ]

    # The neighbour's share is half; a person with 512 waiting gets no more.
    assert answers == [200, 200, 429, 429]


async def test_what_waits_in_a_batch_or_the_api_takes_no_place_from_a_hand(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.QUEUE_LIMIT = 4
    await ask(laboratory.client, laboratory, **SAMPLES)
    neighbour = await another(laboratory)

    assert (await ask(neighbour, laboratory, prompt="a", stream=True)).status_code == 200


async def test_a_call_whose_client_leaves_is_stopped_at_once(
    laboratory: Laboratory, valkey: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All 512 in one transaction; formerly each had its own, and the running ones came last."""
    monkeypatch.setattr(reader_presence, "GRACE_SECONDS", 0.0)
    response = await ask(laboratory.client, laboratory, **SAMPLES)
    jobs = GenerationJob.objects.order_by("call_index")
    ids = await in_thread(lambda: list(jobs.values_list("pk", flat=True)))
    workers = [FakeWorker(valkey, job_id) for job_id in ids[-4:]]
    await in_thread(record_started, [worker.started_message() for worker in workers])

    queries: list[int] = []

    def count(*args: Any, **options: Any) -> object:
        with CaptureQueriesContext(connection) as captured:
            stopped = stop_jobs(*args, **options)
        queries.append(len(captured))
        return stopped

    monkeypatch.setattr(reader_presence, "stop_jobs", count)
    await leave(response)
    await wait_until(lambda: queries)

    assert queries == [14]
    assert await _count_states() == {"running": 4, "cancelled": 508}
    asked = await in_thread(
        lambda: set(jobs.filter(cancel_requested_at__isnull=False).values_list("pk", flat=True))
    )
    assert asked == set(ids[-4:])


async def test_a_call_whose_client_leaves_before_it_is_accepted_is_stopped_too(
    laboratory: Laboratory, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its work in the database continues, and keeps its place there until it has ended."""
    settings.REQUESTS_AT_A_TIME = 1
    monkeypatch.setattr(reader_presence, "GRACE_SECONDS", 0.0)
    is_accepting, has_left = threading.Event(), threading.Event()

    def submit(*args: Any, **options: Any) -> object:
        is_accepting.set()
        assert has_left.wait(10)
        return submit_call(*args, **options)

    monkeypatch.setattr(calls, "submit_call", submit)
    asking = asyncio.create_task(ask(laboratory.client, laboratory, prompt="a"))
    await wait_until(is_accepting.is_set)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    is_place_kept = places_of_loop(1).locked()
    has_left.set()

    async def is_stopped() -> bool:
        return await _count_states() == {"cancelled": 1}

    await wait_until(is_stopped)
    assert (is_place_kept, places_of_loop(1).locked()) == (True, False)


async def _count_states() -> dict[str, int]:
    states = GenerationJob.objects.values_list("state", flat=True)
    return dict(Counter(await in_thread(lambda: list(states))))


LETTERS = "The quick brown fox jumps over the lazy dog. " * 2_000
"""90 kB."""


async def test_others_are_answered_while_one_has_texts_encoded(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The work waits for the other person's answer: in the event loop it would wait forever."""
    is_answered, neighbour = threading.Event(), await another(laboratory)

    def encode_slowly(*args: Any, **options: Any) -> list[int]:
        assert is_answered.wait(10)
        return encode_text(*args, **options)

    monkeypatch.setattr(token_routes, "encode_text", encode_slowly)
    body = {"model": laboratory.model.slug, "prompt": LETTERS}
    asking = [
        asyncio.create_task(laboratory.client.ask("/v1/tokenize", json=body)) for _ in range(8)
    ]
    listed = await neighbour.get("/v1/models")
    is_answered.set()
    answers = await asyncio.gather(*asking)

    assert (listed.status_code, {answer.status_code for answer in answers}) == (200, {200})
    assert answers[0].json()["count"] == len(LETTERS) + 1


@pytest.mark.parametrize("work", ["encode", "decode"])
def test_other_threads_run_while_a_text_is_read(work: str) -> None:
    """`Tokenizer.encode` and `decode` hold the interpreter's lock until they are done."""
    text = LETTERS * 20
    ids = encode_text(TOKENIZER, text, add_special_tokens=False)
    has_begun = threading.Event()

    def read() -> None:
        has_begun.set()
        if work == "encode":
            encode_text(TOKENIZER, text, add_special_tokens=False)
        else:
            decode_ids(TOKENIZER, ids)

    thread = threading.Thread(target=read)
    thread.start()
    has_begun.wait()
    steps = sum(1 for _ in range(1000))
    is_still_reading = thread.is_alive()
    thread.join()

    assert (steps, is_still_reading) == (1000, True)


async def test_reading_counts_and_its_limit_is_told(
    laboratory: Laboratory, settings: Settings
) -> None:
    settings.API_READ_MB_PER_MINUTE = 1
    body = {"model": laboratory.model.slug, "prompt": LETTERS}
    body["prompt"] *= 5
    answers = [await laboratory.client.ask("/v1/tokenize", json=body) for _ in range(3)]

    size = len(json.dumps(body))
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert [answer.headers.get("x-ratelimit-remaining-bytes") for answer in answers] == [
        str(1_000_000 - size), str(1_000_000 - 2 * size), None,
    ]  # fmt: skip
    assert answers[0]["x-ratelimit-limit-bytes"] == "1000000"
    refused = answers[2].json()["error"]
    assert (refused["code"], refused["type"]) == ("rate_limited", "rate_limit_error")
    assert answers[2]["Retry-After"] == "60"
    neighbour = await another(laboratory)
    assert (await neighbour.ask("/v1/tokenize", json=body)).status_code == 200


async def test_a_large_prompt_is_planned_away_from_the_database(
    laboratory: Laboratory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """All database slots stay free while prompts are read."""
    prompts = [LETTERS[:1000] + str(place) for place in range(40)]
    held: list[int] = []
    encode = tokens.encode_text
    free = places_of_loop(conf.REQUESTS_AT_A_TIME)

    def count_places(*args: Any, **options: Any) -> list[int]:
        held.append(free._value)
        return encode(*args, **options)

    monkeypatch.setattr(tokens, "encode_text", count_places)
    response = await ask(
        laboratory.client, laboratory, prompt=prompts, max_tokens=1, stream=True, n=3
    )

    # Each prompt once, for any number of samples.
    assert (response.status_code, held) == (200, [conf.REQUESTS_AT_A_TIME] * 40)


@pytest.mark.parametrize(
    ("path", "body", "field"),
    [
        ("/v1/completions", {"prompt": ["a"] * 5, "n": 128}, "prompt"),
        ("/v1/scores", {"context": "a", "continuations": ["b"] * 513}, "continuations"),
        ("/v1/scores", {"context": "a" * 20_000, "continuations": ["b"] * 500}, "continuations"),
    ],
)
async def test_what_multiplies_is_refused_before_anything_is_encoded(
    laboratory: Laboratory,
    monkeypatch: pytest.MonkeyPatch,
    path: str,
    body: dict[str, Any],
    field: str,
) -> None:
    encoded: list[object] = []
    for module in (tokens, scoring_tokens):
        monkeypatch.setattr(module, "encode_text", lambda *args, **_: encoded.append(args))
    response = await laboratory.client.ask(path, json={"model": laboratory.model.slug, **body})

    error = response.json()["error"]
    assert (response.status_code, error["code"], error["param"]) == (400, "invalid_value", field)
    assert encoded == []


async def test_a_body_of_very_many_lists_is_refused_before_it_is_read(
    laboratory: Laboratory,
) -> None:
    body = {"model": laboratory.model.slug, "prompt": [[] for _ in range(100_000)]}
    response = await laboratory.client.ask("/v1/completions", json=body)

    assert response.status_code == 400
    assert response.json()["error"]["message"] == (
        "The body has 100,002 opening brackets and braces; at most 100,000 are read. Split it."
    )
