"""A researcher with a key, and a worker that answers all their runs."""

from __future__ import annotations

import asyncio
import math
import struct
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
import redis
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors

from inference_workers.contract import (
    Delta,
    Done,
    FinishReason,
    JobOutcome,
    Row,
    Scored,
    Started,
    TokenizerConfig,
    TokenLogprobs,
    Usage,
    row_key,
    tokenizer_config_key,
    tokenizer_key,
)
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.lifecycle import record_outcome
from portal.lab.jobs.domain.tokens import forget_tokenizers
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from tests.factories.jobs import FakeWorker, beat, make_researcher
from tests.lab.api.client import ApiClient, client_of
from tests.lab.playground.sse import in_thread


@pytest.fixture(autouse=True)
def _no_tokenizers_of_other_tests() -> Iterator[None]:
    forget_tokenizers()
    yield
    forget_tokenizers()


def make_tokenizer() -> Tokenizer:
    """Bytes, in a byte-level alphabet, that begin every text with `</s>`, as OPT's does."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocabulary = {"</s>": 0, **{letter: place + 1 for place, letter in enumerate(alphabet)}}
    tokenizer = Tokenizer(models.BPE(vocab=vocabulary, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(["</s>"])
    tokenizer.post_processor = processors.TemplateProcessing(
        single="</s> $A", special_tokens=[("</s>", 0)]
    )
    return tokenizer


TOKENIZER = make_tokenizer()


def ids_of(text: str, *, special: bool = False) -> list[int]:
    return [int(token) for token in TOKENIZER.encode(text, add_special_tokens=special).ids]


def entry(token: int, width: int) -> TokenLogprobs:
    """As the second most likely; its value names the token, so that mix-ups are seen."""
    top = ((token + 1, -0.25), (token, -1.0 - token / 1024), (token + 2, -9.5))
    return TokenLogprobs(token, -1.0 - token / 1024, 2, top[:width])


Reply = Callable[[GenerationJob], str]
LookUp = Callable[[int, int], TokenLogprobs]
"""Of a token, with so many of the likeliest beside it."""
Distribution = Callable[[int], Sequence[float]]
"""Log-probabilities of the whole vocabulary after so many tokens of a prompt."""


def uniform(position: int) -> Sequence[float]:
    width = TOKENIZER.get_vocab_size()
    return [-math.log(width)] * width


@dataclass
class Laboratory:
    """One person, one model, one key, and the broker."""

    user: User
    model: HostedModel
    client: ApiClient
    valkey: redis.Redis
    reply: Reply = lambda job: " and on"
    look_up: LookUp = entry
    distribution: Distribution = uniform

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """During the block every job is answered: its reply's bytes, up to its max_tokens.

        If the worker fails, the test that waits for it gets the worker's error.
        """
        task, asking = asyncio.create_task(self._work()), asyncio.current_task()
        assert asking is not None
        task.add_done_callback(lambda done: done.cancelled() or asking.cancel())
        try:
            yield
        finally:
            task.cancel()
            (end,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(end, Exception):
                asking.uncancel()
                raise end

    async def ask(self, path: str = "/v1/completions", **body: Any) -> Any:
        """POST, with the model's name, while jobs are answered; returns the response's JSON."""
        async with self.working():
            response = await self.client.ask(path, json={"model": self.model.slug, **body})
        return response.json()

    async def _work(self) -> None:
        done: set[Any] = set()
        while True:
            for job in await in_thread(_find_queued, done):
                done.add(job.pk)
                await in_thread(self.answer, job)
            await asyncio.sleep(0.01)

    def answer(self, job: GenerationJob) -> None:
        """Write a worker's messages for the job, and its outcome."""
        sampling = job.params
        prompt = list(job.prompt_token_ids) or ids_of(
            job.prompt, special=sampling["add_special_tokens"]
        )
        reply = ids_of(self.reply(job))[: sampling["max_tokens"]]
        width, prompt_width = sampling["logprobs"], sampling["prompt_logprobs"]
        worker = FakeWorker(self.valkey, job.pk)
        worker.lease()
        worker.write(Started(worker="worker-1", attempt=1, prompt_tokens=len(prompt)))
        scored = None
        if prompt_width is not None:
            scored = Scored(
                token_ids=tuple(prompt),
                logprobs=(None, *(self.look_up(token, prompt_width) for token in prompt[1:])),
            )
            worker.write(scored)
        self._distribute(worker, job.positions)
        looked_up = [] if width is None else [self.look_up(token, width) for token in reply]
        for place, token in enumerate(reply):
            worker.write(
                Delta(
                    offset=place,
                    text=TOKENIZER.decode([token]),
                    token_ids=(token,),
                    logprobs=tuple(looked_up[place : place + 1]),
                )
            )
        usage = Usage(prompt_tokens=len(prompt), completion_tokens=len(reply))
        is_cut = len(reply) == sampling["max_tokens"]
        end = Done(finish_reason=FinishReason.LENGTH if is_cut else FinishReason.STOP, usage=usage)
        worker.end(end)
        record_outcome(
            JobOutcome(
                job_id=job.pk,
                worker="worker-1",
                attempt=1,
                finished_at=job.created_at,
                end=end,
                text=TOKENIZER.decode(reply),
                token_ids=tuple(reply),
                usage=usage,
                prompt_token_ids=tuple(prompt),
                logprobs=tuple(looked_up),
                prompt_logprobs=scored.logprobs if scored else (),
            )
        )

    def _distribute(self, worker: FakeWorker, positions: Sequence[int]) -> None:
        for position in positions:
            row = self.distribution(position)
            packed = struct.pack(f"<{len(row)}f", *row)
            self.valkey.set(row_key(worker.job_id, position), packed)
            worker.write(Row(position=position, width=len(row)))


def _find_queued(done: set[Any]) -> list[GenerationJob]:
    return list(GenerationJob.objects.filter(state="queued").exclude(pk__in=done))


@pytest.fixture
def laboratory(transactional_db: None, valkey: redis.Redis) -> Laboratory:
    """Its model's tokens are bytes."""
    user, model = make_researcher()
    config = TokenizerConfig(bos_token_id=0, eos_token_id=0, vocabulary=TOKENIZER.get_vocab_size())
    valkey.set(tokenizer_config_key(model.deployment), config.model_dump_json())
    valkey.set(tokenizer_key(model.deployment), TOKENIZER.to_str())
    beat(valkey, deployment=model.deployment, max_num_seqs=16)
    return Laboratory(user, model, client_of(user), valkey)
