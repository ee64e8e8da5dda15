"""The texts of tokens in the events of a run with log-probabilities."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
import redis

from inference_workers.contract import (
    Delta,
    SamplingParams,
    Scored,
    TokenLogprobs,
    stream_key,
    tokenizer_key,
)
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from tests.factories.jobs import FakeWorker, GenerationJobFactory
from tests.lab.api.conftest import TOKENIZER, ids_of
from tests.lab.playground.sse import Message, Reader, in_thread, serve, sign_in

pytestmark = pytest.mark.django_db(transaction=True)
A, FIRST, SECOND, BOS = *ids_of("a"), *ids_of("é"), 0
OTHER = ids_of("z")[0]


@pytest.fixture
async def site() -> AsyncIterator[str]:
    forget_tokenizers()
    async with serve() as address:
        yield address
    forget_tokenizers()


def entry(token: int, *, other: int = OTHER) -> TokenLogprobs:
    return TokenLogprobs(token, -0.125, 2, ((other, -0.0625), (token, -0.125)))


async def make_run(
    valkey: redis.Redis, site: str, **params: Any
) -> tuple[GenerationJob, FakeWorker, Reader]:
    """A run of `a` after the beginning token, whose model writes `aé` in three tokens."""
    sampling = SamplingParams(max_tokens=3, **params).model_dump(mode="json")
    job = await in_thread(GenerationJobFactory.create, running=True, prompt="a", params=sampling)
    valkey.set(tokenizer_key(job.deployment), TOKENIZER.to_str())
    worker = FakeWorker(valkey, job.pk)
    worker.start()
    return job, worker, Reader(site, await sign_in(job.user))


def write_prompt(worker: FakeWorker) -> None:
    worker.write(Scored(token_ids=(BOS, A), logprobs=(None, entry(A))))


def write_completion(worker: FakeWorker) -> str:
    """Returns the id of the second delta, which ends within a character."""
    worker.write(Delta(offset=0, text="a", token_ids=(A,), logprobs=(entry(A),)))
    second = worker.write(Delta(offset=1, text="", token_ids=(FIRST,), logprobs=(entry(FIRST),)))
    worker.write(Delta(offset=2, text="é", token_ids=(SECOND,), logprobs=(entry(SECOND),)))
    return second


def added(messages: list[Message], event: str) -> list[tuple[list[str], dict[str, Any]]]:
    """The pieces and names of the messages of one kind."""
    return [(m.data["pieces"], m.data["names"]) for m in messages if m.event == event]


async def test_each_token_is_named_once_and_cut_where_the_text_is(
    valkey: redis.Redis, site: str
) -> None:
    job, worker, reader = await make_run(valkey, site, logprobs=2, prompt_logprobs=2)
    write_prompt(worker)
    write_completion(worker)
    worker.end()

    messages = (await reader.read(job.pk)).messages

    assert added(messages, "scored") == [(["", "a"], {"0": "</s>", str(A): "a", str(OTHER): "z"})]
    assert added(messages, "delta") == [
        (["a"], {}),
        ([""], {str(FIRST): [0xC3]}),
        (["é"], {str(SECOND): [0xA9]}),
    ]
    assert next(m.data["logprobs"] for m in messages if m.event == "delta") == [
        [A, -0.125, 2, [[OTHER, -0.0625], [A, -0.125]]]
    ]


async def test_who_reads_on_within_a_character_gets_its_piece_and_the_names(
    valkey: redis.Redis, site: str
) -> None:
    job, worker, reader = await make_run(valkey, site, logprobs=2)
    second = write_completion(worker)
    worker.end()

    reading = await reader.read(job.pk, last_event_id=second)

    assert reading.events == ["delta", "done"]
    assert added(reading.messages, "delta") == [(["é"], {str(SECOND): [0xA9], str(OTHER): "z"})]


async def test_a_run_that_has_ended_tells_the_same_from_its_row(
    valkey: redis.Redis, site: str
) -> None:
    job, worker, reader = await make_run(valkey, site, logprobs=2, prompt_logprobs=2)
    outcome = worker.outcome(worker.end()).model_copy(
        update={
            "text": "aé",
            "token_ids": (A, FIRST, SECOND),
            "logprobs": (entry(A), entry(FIRST), entry(SECOND)),
            "prompt_token_ids": (BOS, A),
            "prompt_logprobs": (None, entry(A)),
        }
    )
    await in_thread(record_outcome, outcome)

    (snapshot, _) = (await reader.read(job.pk)).messages

    assert snapshot.data["scored"]["pieces"] == ["", "a"]
    assert snapshot.data["scored"]["names"] == {"0": "</s>", str(A): "a", str(OTHER): "z"}
    assert snapshot.data["pieces"] == ["a", "", "é"]
    assert snapshot.data["names"] == {str(FIRST): [0xC3], str(SECOND): [0xA9]}


@pytest.mark.parametrize("params", [{}, {"logprobs": 2}])
async def test_events_are_passed_on_unchanged_if_there_is_nothing_to_name_or_no_tokenizer(
    valkey: redis.Redis, site: str, params: dict[str, int]
) -> None:
    job, worker, reader = await make_run(valkey, site, **params)
    if params:
        valkey.delete(tokenizer_key(job.deployment))
    worker.stream("a")
    worker.end()
    entries: Any = valkey.xrange(stream_key(job.pk))

    async with reader._open("GET", f"/playground/runs/{job.pk}/events/", headers={}) as (_, lines):
        deltas = [message async for message in lines if message.event == "delta"]

    assert [delta.data for delta in deltas] == [{
        "v": 1, "type": "delta", "offset": 0, "text": "a", "token_ids": [100], "logprobs": [],
    }]  # fmt: skip
    assert len(entries) == 3
