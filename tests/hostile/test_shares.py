"""One person's work must not stop another's: rooms in the queue, stopping, and the event loop."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Any

import pytest
import redis
from django.db import connection
from django.test.utils import CaptureQueriesContext
from pytest_django import Settings

from portal.jobs.domain.lifecycle import record_started
from portal.jobs.models import GenerationJob
from portal.jobs.stream import attendance
from tests.api.client import ApiClient, aclient_of
from tests.api.conftest import Laboratory, laboratory
from tests.factories.jobs import FakeWorker, make_researcher
from tests.inference_workers.conftest import wait_until
from tests.playground.sse import in_thread

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
    """Go away after the stream's first piece, as a client whose connection breaks."""
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

    # The neighbour's share is half; who has 512 waiting gets no more.
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
    """All 512 in one transaction; before, each had its own, and the running ones came last."""
    monkeypatch.setattr(attendance, "GRACE_SECONDS", 0.0)
    response = await ask(laboratory.client, laboratory, **SAMPLES)
    jobs = GenerationJob.objects.order_by("call_index")
    ids = await in_thread(lambda: list(jobs.values_list("pk", flat=True)))
    workers = [FakeWorker(valkey, job_id) for job_id in ids[-4:]]
    await in_thread(record_started, [worker.started_message() for worker in workers])

    queries: list[int] = []
    stop = attendance.stop_jobs

    def count(*args: Any, **options: Any) -> object:
        with CaptureQueriesContext(connection) as captured:
            stopped = stop(*args, **options)
        queries.append(len(captured))
        return stopped

    monkeypatch.setattr(attendance, "stop_jobs", count)
    await leave(response)
    await wait_until(lambda: queries)

    assert queries == [14]
    assert await _count_states() == {"running": 4, "cancelled": 508}
    asked = await in_thread(
        lambda: set(jobs.filter(cancel_requested_at__isnull=False).values_list("pk", flat=True))
    )
    assert asked == set(ids[-4:])


async def _count_states() -> dict[str, int]:
    states = GenerationJob.objects.values_list("state", flat=True)
    return dict(Counter(await in_thread(lambda: list(states))))
