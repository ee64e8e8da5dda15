"""Open streams, their cost, and the first token as a reader sees it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import redis

from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.metrics import REGISTRY
from tests.factories.jobs import FakeWorker, GenerationJobFactory
from tests.lab.playground.sse import Reader, in_thread, read_until, serve, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
NAMES = (
    "gatehouse_streams_open",
    "gatehouse_stream_events_total",
    "gatehouse_stream_bytes_total",
)


@pytest.fixture
async def site() -> AsyncIterator[str]:
    async with serve() as address:
        yield address


def counts() -> list[float]:
    return [REGISTRY.get_sample_value(name) or 0.0 for name in NAMES]


def first_tokens(job: GenerationJob) -> float:
    name = "gatehouse_stream_first_token_seconds_count"
    return REGISTRY.get_sample_value(name, {"deployment": job.deployment}) or 0.0


async def test_a_stream_is_counted_while_it_is_open_and_by_what_it_sent(
    valkey: redis.Redis, site: str
) -> None:
    job = await in_thread(GenerationJobFactory.create, running=True)
    reader, worker = Reader(site, await sign_in(job.user)), FakeWorker(valkey, job.pk)
    worker.start()
    (before, events, size), tokens = counts(), first_tokens(job)

    async with reader.open(job.pk) as (reading, messages):
        await read_until(messages, "started")
        assert counts()[0] == before + 1
        worker.stream(" it", " ended")
        worker.end()
        await in_thread(record_outcome, worker.outcome())
        await read_until(messages, "done")

    after = counts()
    assert after[0] == before
    assert after[1] - events == len(reading.messages)
    assert after[2] - size > 200
    assert first_tokens(job) == tokens + 1


async def test_a_reader_who_comes_later_does_not_tell_of_the_first_token(
    valkey: redis.Redis, site: str
) -> None:
    job = await in_thread(GenerationJobFactory.create, running=True)
    reader, worker = Reader(site, await sign_in(job.user)), FakeWorker(valkey, job.pk)
    worker.start()
    worker.stream(" long", " ago")
    tokens = first_tokens(job)

    async with reader.open(job.pk) as (_, messages):
        await read_until(messages, "delta")
        worker.stream(" and", " now")
        await read_until(messages, "delta")
        worker.end()
        await in_thread(record_outcome, worker.outcome())
        await read_until(messages, "done")

    assert first_tokens(job) == tokens
