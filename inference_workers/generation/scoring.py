"""Log-probabilities of prompts and whole distributions, without harm to other jobs.

For each token of a prompt, scoring holds a row of the vocabulary in the engine's memory. Engines do
not plan for this when they divide their memory, so the amount at a time is limited.
"""

from __future__ import annotations

import asyncio
import sys
from array import array
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from typing import Final

from inference_workers.broker.connections import BROKER_ERRORS
from inference_workers.broker.publisher import StreamPublisher
from inference_workers.contract import (
    FULL_VOCABULARY,
    STREAM_TTL_SECONDS,
    Row,
    Scored,
    row_key,
)
from inference_workers.engines.base import Chunk, Engine, EngineRequest
from inference_workers.job import RunningJob

SCORED_TOKENS: Final = 8192
"""Prompt tokens that are scored at a time. vLLM computes one row for each token in a step, by
default 2,048: 0.4 GB of float32 for a vocabulary of 50,272."""
FULL_WIDTH_FACTOR: Final = 16
"""A row of the whole vocabulary is megabytes of JSON, which the engine's server must render."""
ROWS_AT_A_TIME: Final = 2
RETRY_SECONDS: Final = 0.5


class Allowance:
    """A limit on concurrent use, first come, first served; a larger request waits for all of it."""

    def __init__(self, size: int) -> None:
        self._size = size
        self._left = size
        self._waiting: deque[tuple[int, asyncio.Future[None]]] = deque()

    @asynccontextmanager
    async def take(self, amount: int) -> AsyncIterator[None]:
        amount = min(amount, self._size)
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append((amount, turn))
        self._admit()
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self._give_back(amount)
            else:
                # `_admit` may already have removed it.
                with suppress(ValueError):
                    self._waiting.remove((amount, turn))
                self._admit()
            raise
        try:
            yield
        finally:
            self._give_back(amount)

    def _give_back(self, amount: int) -> None:
        self._left += amount
        self._admit()

    def _admit(self) -> None:
        while self._waiting and self._waiting[0][0] <= self._left:
            amount, turn = self._waiting.popleft()
            if not turn.cancelled():
                self._left -= amount
                turn.set_result(None)


class Scorer:
    """Scores prompts with one engine, for any number of jobs."""

    def __init__(self, engine: Engine, *, publisher: StreamPublisher) -> None:
        self._engine = engine
        self._publisher = publisher
        self._tokens = Allowance(SCORED_TOKENS)
        self._rows = Allowance(ROWS_AT_A_TIME)

    async def score(self, job: RunningJob, request: EngineRequest) -> Chunk:
        """Publish the prompt's log-probabilities; return the token that the engine generated."""
        is_full = job.request.sampling.prompt_logprobs == FULL_VOCABULARY
        weight = len(request.prompt_ids) * (FULL_WIDTH_FACTOR if is_full else 1)
        async with self._tokens.take(weight):
            found = await self._engine.score(
                replace(request, request_id=f"{request.request_id}-score")
            )
        job.scored = Scored(token_ids=job.prompt_ids, logprobs=found.logprobs)
        self._publisher.publish(job, job.scored)
        return found.first

    async def distribute(self, job: RunningJob, request: EngineRequest) -> None:
        """Publish the distribution after each of the job's positions, except existing ones."""
        for position in job.request.positions:
            if position in job.rows and await self._has_row(job, position):
                continue
            async with self._rows.take(1):
                values = await self._engine.distribution(
                    replace(
                        request,
                        request_id=f"{request.request_id}-row-{position}",
                        prompt_ids=job.prompt_ids[:position],
                    )
                )
            await self._keep_row(job, position, pack(values))
            job.rows[position] = Row(position=position, width=len(values))
            self._publisher.publish(job, job.rows[position])

    async def _has_row(self, job: RunningJob, position: int) -> bool:
        try:
            return bool(await self._publisher.redis.exists(row_key(job.job_id, position)))
        except BROKER_ERRORS:
            return False

    async def _keep_row(self, job: RunningJob, position: int, row: bytes) -> None:
        while True:
            try:
                key = row_key(job.job_id, position)
                await self._publisher.redis.set(key, row, ex=STREAM_TTL_SECONDS)
            except BROKER_ERRORS:
                await asyncio.sleep(RETRY_SECONDS)
            else:
                return


def pack(values: Sequence[float]) -> bytes:
    """Values as float32, little-endian."""
    row = array("f", values)
    if sys.byteorder == "big":
        row.byteswap()
    return row.tobytes()
