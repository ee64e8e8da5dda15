"""Streams hold every event once, in order, whatever the broker does."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis
from redis.exceptions import ResponseError

from inference_workers.background import end_tasks
from inference_workers.broker.connections import connect
from inference_workers.broker.history import read_history
from inference_workers.broker.leases import Leases
from inference_workers.broker.publisher import (
    BUSY_STREAMS,
    FLUSH_SECONDS,
    PACE_SECONDS,
    StreamPublisher,
    choose_pace,
)
from inference_workers.broker.stream_writes import STREAMS_PER_CALL
from inference_workers.contract import (
    STREAM_TTL_SECONDS,
    Delta,
    Done,
    FinishReason,
    Snapshot,
    Started,
    TokenLogprobs,
    Usage,
    end_key,
    lease_key,
    stream_key,
)
from inference_workers.job import GrowingDelta, JobSet, RunningJob
from tests.inference_workers.conftest import make_request, read_events, wait_until
from tests.plugin import running_valkey

WORKER = "worker-a"
DONE = Done(finish_reason=FinishReason.STOP, usage=Usage(prompt_tokens=1, completion_tokens=3))
STARTED = Started(worker=WORKER, attempt=1, prompt_tokens=1)


@pytest.fixture
def publisher(redis: Redis) -> StreamPublisher:
    return StreamPublisher(redis, worker_id=WORKER)


@pytest.fixture
def job() -> RunningJob:
    return RunningJob(make_request())


@pytest.fixture
async def running(redis: Redis, job: RunningJob) -> AsyncIterator[StreamPublisher]:
    """A publisher that flushes by itself, while its job's lease is renewed."""
    publisher, jobs = StreamPublisher(redis, worker_id=WORKER), JobSet()
    jobs.add(job)
    leases = Leases(redis, worker_id=WORKER)
    tasks = [asyncio.create_task(publisher.run()), asyncio.create_task(leases.run(jobs))]
    yield publisher
    await end_tasks(tasks)


async def test_deltas_of_one_flush_become_one_event(
    publisher: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    publisher.publish(job, STARTED)
    for letter in "abc":
        publisher.append(job, text=letter, token_ids=[ord(letter)])
    await publisher.flush()
    publisher.append(job, text="d", token_ids=[ord("d")])
    await publisher.flush()

    assert await read_events(redis, job.job_id) == [
        STARTED,
        Delta(offset=0, text="abc", token_ids=(97, 98, 99)),
        Delta(offset=3, text="d", token_ids=(100,)),
    ]


async def test_one_flush_writes_the_events_of_all_jobs(
    publisher: StreamPublisher, redis: Redis
) -> None:
    jobs = [RunningJob(make_request()) for _ in range(3)]
    for number, job in enumerate(jobs):
        publisher.append(job, text=str(number), token_ids=[number])

    await publisher.flush()

    texts = [(await read_history(redis, job.job_id)).text for job in jobs]
    assert texts == ["0", "1", "2"]


def test_streams_are_paced_only_while_many_have_news() -> None:
    paces = [choose_pace(streams) for streams in (1, 16, 40, 64, 1000)]

    assert paces == [0.0, 0.0, PACE_SECONDS / 2, PACE_SECONDS, PACE_SECONDS]


def test_a_paced_reader_has_more_than_ten_updates_a_second() -> None:
    assert PACE_SECONDS + FLUSH_SECONDS < 0.1


async def test_under_load_first_tokens_and_ends_are_due_at_once_and_others_wait(
    publisher: StreamPublisher,
) -> None:
    jobs = [RunningJob(make_request()) for _ in range(BUSY_STREAMS)]
    for job in jobs:
        publisher.publish(job, STARTED)
    await publisher.flush()
    for job in jobs:
        publisher.append(job, text="a", token_ids=[1])
    assert len(publisher.due(now=time.monotonic())) == BUSY_STREAMS

    await publisher.flush()
    written = time.monotonic()
    for job in jobs:
        publisher.append(job, text="b", token_ids=[2])
    publisher.end(jobs[0], DONE)
    assert publisher.due(now=min(job.tokens_written_at for job in jobs)) == [jobs[0]]
    assert len(publisher.due(now=written + PACE_SECONDS)) == BUSY_STREAMS


async def test_tokens_that_wait_for_one_write_are_one_delta(
    publisher: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    publisher.append(job, text="a", token_ids=[1])
    flush = asyncio.create_task(publisher.flush())
    await asyncio.sleep(0)
    publisher.append(job, text="", token_ids=[2, 3])
    publisher.append(job, text="bc", token_ids=[4])
    await flush
    await publisher.flush()

    assert await read_events(redis, job.job_id) == [
        Delta(offset=0, text="a", token_ids=(1,)),
        Delta(offset=1, text="bc", token_ids=(2, 3, 4)),
    ]


async def test_streams_expire(publisher: StreamPublisher, redis: Redis, job: RunningJob) -> None:
    publisher.publish(job, STARTED)
    await publisher.flush()

    assert await redis.ttl(stream_key(job.job_id)) in range(
        STREAM_TTL_SECONDS - 5, STREAM_TTL_SECONDS + 1
    )


async def test_terminal_event_is_written_with_what_precedes_it(
    publisher: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    publisher.append(job, text="abc", token_ids=[1, 2, 3])
    publisher.end(job, DONE)
    await publisher.flush()

    delta = Delta(offset=0, text="abc", token_ids=(1, 2, 3))
    assert await read_events(redis, job.job_id) == [delta, DONE]
    assert await redis.get(end_key(job.job_id)) == WORKER
    assert job.published.is_set()


async def test_end_that_comes_while_deltas_are_under_way_is_written_too(
    publisher: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    publisher.append(job, text="a", token_ids=[1])
    flush = asyncio.create_task(publisher.flush())
    await asyncio.sleep(0)
    publisher.end(job, DONE)
    await flush
    assert not job.published.is_set()
    await publisher.flush()

    delta = Delta(offset=0, text="a", token_ids=(1,))
    assert await read_events(redis, job.job_id) == [delta, DONE]


async def test_second_publisher_of_a_terminal_event_loses(
    redis: Redis, publisher: StreamPublisher, job: RunningJob
) -> None:
    other = StreamPublisher(redis, worker_id="worker-b")
    second = RunningJob(job.request)
    publisher.end(job, DONE)
    await publisher.flush()
    other.append(second, text="late", token_ids=[1])
    other.end(second, DONE)
    await other.flush()

    assert await read_events(redis, job.job_id) == [DONE]
    assert (job.is_fenced, second.is_fenced) == (False, True)


async def test_terminal_event_is_refused_while_another_holds_the_lease(
    redis: Redis, publisher: StreamPublisher, job: RunningJob
) -> None:
    await redis.set(lease_key(job.job_id), "worker-b")
    publisher.end(job, DONE)
    await publisher.flush()

    assert await read_events(redis, job.job_id) == []
    assert job.is_fenced


async def test_nothing_is_written_when_the_lease_may_be_lost(
    redis: Redis, publisher: StreamPublisher, job: RunningJob
) -> None:
    job.lease_renewed_at = time.monotonic() - 60
    publisher.append(job, text="zombie", token_ids=[1])
    await publisher.flush()

    assert await redis.exists(stream_key(job.job_id)) == 0


async def test_lost_stream_begins_again_with_a_snapshot(
    running: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    running.publish(job, STARTED)
    running.append(job, text="ab", token_ids=[1, 2])
    await running.drain(job, seconds=5)
    await redis.flushall()
    running.append(job, text="c", token_ids=[3])
    await running.drain(job, seconds=5)

    assert await read_events(redis, job.job_id) == [Snapshot(text="abc", token_ids=(1, 2, 3))]


async def test_stream_lost_before_the_end_is_whole_with_its_end(
    running: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    running.append(job, text="ab", token_ids=[1, 2])
    await running.drain(job, seconds=5)
    await redis.flushall()
    running.append(job, text="c", token_ids=[3])
    running.end(job, DONE)
    await running.drain(job, seconds=5)

    assert await read_events(redis, job.job_id) == [
        Snapshot(text="abc", token_ids=(1, 2, 3)),
        DONE,
    ]


async def test_ended_stream_can_be_written_again(
    running: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    running.append(job, text="ab", token_ids=[1, 2])
    running.end(job, DONE)
    await running.drain(job, seconds=5)
    await redis.flushall()
    running.republish(job)
    await running.drain(job, seconds=5)

    assert await read_events(redis, job.job_id) == [Snapshot(text="ab", token_ids=(1, 2)), DONE]


@pytest.mark.parametrize("wipe", [False, True])
async def test_killed_broker_loses_and_duplicates_nothing(
    running: StreamPublisher, redis: Redis, job: RunningJob, wipe: bool
) -> None:
    server = running_valkey()
    running.publish(job, STARTED)
    for number in range(300):
        running.append(job, text=f"{number} ", token_ids=[number])
        await asyncio.sleep(0.002)
        if number == 100:
            server.kill()
        if number == 200:
            await asyncio.to_thread(server.start, wipe=wipe)
    running.end(job, DONE)
    await running.drain(job, seconds=15)

    history = await read_history(redis, job.job_id)
    assert history.is_whole
    assert history.text == "".join(f"{number} " for number in range(300))
    assert history.token_ids == tuple(range(300))
    assert history.end == DONE
    events = await read_events(redis, job.job_id)
    assert [event for event in events if isinstance(event, Done)] == [DONE]


async def test_events_that_arrived_before_the_connection_broke_are_not_repeated(
    redis: Redis, valkey_url: str, job: RunningJob
) -> None:
    async with connect(valkey_url) as client:
        publisher = StreamPublisher(client, worker_id=WORKER)
        publisher.publish(job, STARTED)
        publisher.append(job, text="ab", token_ids=[1, 2])
        await publisher.flush()
        publisher.append(job, text="c", token_ids=[3])
        # As if the reply to this write was lost: it is in the stream without our knowledge.
        written = Delta(offset=2, text="c", token_ids=(3,))
        await redis.xadd(stream_key(job.job_id), {"e": written.model_dump_json()})
        job.in_flight, job.is_uncertain = 1, True
        publisher.append(job, text="d", token_ids=[4])
        await publisher.flush()

    history = await read_history(redis, job.job_id)
    assert (history.text, history.token_ids, history.is_whole) == ("abcd", (1, 2, 3, 4), True)


async def test_a_flush_waits_for_a_broker_that_comes_back(
    running: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    server = running_valkey()
    server.kill()
    running.publish(job, STARTED)
    await asyncio.to_thread(server.start)

    await wait_until(lambda: redis.exists(stream_key(job.job_id)))
    assert await read_events(redis, job.job_id) == [STARTED]


async def test_one_stream_that_cannot_be_written_leaves_the_others_whole(
    publisher: StreamPublisher, redis: Redis
) -> None:
    jobs = [RunningJob(make_request()) for _ in range(3)]
    for number, job in enumerate(jobs):
        publisher.append(job, text=str(number), token_ids=[number])
    await redis.set(stream_key(jobs[1].job_id), "no stream")

    with pytest.raises(ResponseError, match="WRONGTYPE"):
        await publisher.flush()

    assert [job.is_uncertain for job in jobs] == [False, True, False]
    assert [(await read_history(redis, job.job_id)).text for job in jobs[::2]] == ["0", "2"]


async def test_one_lost_stream_among_many_begins_again_and_the_others_go_on(
    publisher: StreamPublisher, redis: Redis
) -> None:
    jobs = [RunningJob(make_request()) for _ in range(STREAMS_PER_CALL + 2)]
    for job in jobs:
        publisher.append(job, text="a", token_ids=[1])
    await publisher.flush()
    await redis.delete(stream_key(jobs[0].job_id))
    for job in jobs:
        publisher.append(job, text="b", token_ids=[2])
    await publisher.flush()
    jobs[0].lease_renewed_at = time.monotonic()
    await publisher.flush()

    assert await read_events(redis, jobs[0].job_id) == [Snapshot(text="ab", token_ids=(1, 2))]
    texts = [(await read_history(redis, job.job_id)).text for job in jobs]
    assert texts == ["ab"] * len(jobs)


async def test_a_broker_that_forgot_its_scripts_is_given_them_again(
    publisher: StreamPublisher, redis: Redis, job: RunningJob
) -> None:
    for number in range(2):
        await redis.script_flush()
        publisher.append(job, text=str(number), token_ids=[number])
        await publisher.flush()

    assert await read_events(redis, job.job_id) == [
        Delta(offset=0, text="0", token_ids=(0,)),
        Delta(offset=1, text="1", token_ids=(1,)),
    ]


@pytest.mark.parametrize("logprobs", [[], [TokenLogprobs(7, -0.5, 1, ((7, -0.5),))]])
def test_a_growing_delta_is_written_as_the_contract_writes_it(
    logprobs: list[TokenLogprobs],
) -> None:
    text = "".join(map(chr, range(0x300))) + '"\\\u2028\U0001f600'
    delta = Delta(offset=3, text=text, token_ids=(7,), logprobs=tuple(logprobs))

    written = GrowingDelta(3, text, [7], logprobs).model_dump_json()

    assert written == delta.model_dump_json(exclude=None if logprobs else {"logprobs"})
