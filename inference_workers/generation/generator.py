"""Run one job: from the claim to exactly one terminal event.

When a job is continued after the engine or a worker died, the tokens already streamed remain, and
the model continues from prompt ids + generated ids. Greedy decoding then gives the ids of an
uninterrupted run, up to the engine's own numerical repeatability. A sampled continuation follows
the same distribution; with a seed it is reproducible for the same point of interruption, but
differs from the uninterrupted run. Frequency penalties continue exactly; a presence penalty counts
twice for a token that occurs on both sides of the interruption. A completion with a structure
starts again, because a grammar cannot be continued in the middle.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing

from inference_workers.broker.publisher import StreamPublisher
from inference_workers.contract import (
    Decoder,
    Done,
    Failed,
    FailureCode,
    FinishReason,
    SamplingParams,
    TokenLogprobs,
)
from inference_workers.engines.base import (
    Chunk,
    Engine,
    EngineFailedError,
    EngineRefusedError,
    EngineRequest,
    EngineUnavailableError,
)
from inference_workers.engines.monitor import EngineMonitor
from inference_workers.generation.crash_attribution import CrashAttribution
from inference_workers.generation.failover import Failover
from inference_workers.generation.prompts import PromptReader
from inference_workers.generation.scoring import Scorer
from inference_workers.generation.text import (
    CompletionSource,
    CompletionText,
    DerivedText,
    EngineText,
)
from inference_workers.generation.throughput import StreamSpeed, Throughput, choose_stream_interval
from inference_workers.job import RunningJob
from inference_workers.logs import get_logger

RETRY_SECONDS = 0.2
SUSPENDED_SECONDS = 0.001
"""If a chunk took longer than this, the loop was suspended and other tasks had their turn."""
SEED_LIMIT = 2**63

log = get_logger(__name__)


class Generator:
    """Produces completions with one engine, for any number of concurrent jobs."""

    def __init__(
        self,
        engine: Engine,
        *,
        monitor: EngineMonitor,
        publisher: StreamPublisher,
        throughput: Throughput,
        remember_deaths: Callable[[RunningJob], Awaitable[None]],
        relay: Failover,
        max_model_len: int,
        max_tokens: int = 0,
    ) -> None:
        self._engine = engine
        self._monitor = monitor
        self._publisher = publisher
        self._throughput = throughput
        self._remember_deaths = remember_deaths
        self.relay = relay
        self._speed = StreamSpeed()
        self._suspects = CrashAttribution()
        self._scorer = Scorer(engine, publisher=publisher)
        self._max_model_len = max_model_len
        self._max_tokens = max_tokens
        self._streams = 0
        self.prompts = PromptReader(engine)
        self.decoder: Decoder | None = None

    @property
    def streams(self) -> int:
        """Number of requests at the engine now."""
        return self._streams

    async def prepare(self, job: RunningJob) -> Failed | None:
        """Tokenise the prompt as the engine does; return the failure if the job cannot run."""
        while True:
            await self.relay.wait_for_engine(job)
            try:
                ids = await self.prompts.read(job.request)
            except EngineUnavailableError:
                await self._doubt_engine()
            except EngineRefusedError as refusal:
                return Failed(code=FailureCode.INVALID_REQUEST, detail=str(refusal))
            else:
                job.prompt_ids = tuple(ids)
                job.prompt_tokens = len(ids)
                return self._check_length(job)

    def _check_length(self, job: RunningJob) -> Failed | None:
        tokens, max_tokens = job.prompt_tokens, job.request.sampling.max_tokens
        if tokens == 0:
            return Failed(code=FailureCode.INVALID_REQUEST, detail="the prompt has no tokens")
        if 0 < self._max_tokens < max_tokens:
            detail = f"max_tokens {max_tokens} is above the deployment's {self._max_tokens}"
            return Failed(code=FailureCode.INVALID_REQUEST, detail=detail)
        # The engine generates a token even if only the prompt is scored.
        if tokens + max(1, max_tokens) > self._max_model_len:
            detail = f"{tokens} + {max(1, max_tokens)} tokens do not fit into {self._max_model_len}"
            return Failed(code=FailureCode.CONTEXT_LENGTH_EXCEEDED, detail=detail)
        return None

    async def complete(self, job: RunningJob) -> Done | Failed:
        """Generate until the model finishes, even if engines die meanwhile."""
        while True:
            await self.relay.wait_for_engine(job)
            try:
                async with self._suspects.attempt(job):
                    end = await self._try(job)
            except EngineUnavailableError:
                end = None
            except EngineRefusedError as refusal:
                return Failed(code=FailureCode.INVALID_REQUEST, detail=str(refusal))
            if end is not None:
                return end
            await self._doubt_engine()

    async def _try(self, job: RunningJob) -> Done | Failed | None:
        """The job's end, or None if the engine broke it off and it may be tried again."""
        try:
            return await self._stream(job)
        except EngineFailedError as failure:
            is_guilty = self._suspects.accuse(job)
            log.warning("engine_failed_job", job_id=str(job.job_id), deaths=job.engine_deaths)
            await self._remember_deaths(job)
            if is_guilty:
                return Failed(code=FailureCode.ENGINE_ERROR, detail=str(failure))
            return None

    async def _doubt_engine(self) -> None:
        self._monitor.doubt()
        await asyncio.sleep(RETRY_SECONDS)

    async def _stream(self, job: RunningJob) -> Done:
        if job.request.positions:
            await self._scorer.distribute(job, self._build_request(job, max_tokens=1, stops=()))
            return Done(finish_reason=FinishReason.LENGTH, usage=job.usage)
        first = await self._score(job)
        source, is_over = self._open_source(job)
        if first is not None:
            end = self._take(job, source, first)
            if end is not None:
                return end
        max_tokens = job.request.sampling.max_tokens - len(job.token_ids)
        if is_over or max_tokens <= 0:
            return self._finish(job, source, FinishReason.STOP if is_over else FinishReason.LENGTH)
        request = self._build_request(job, max_tokens=max_tokens, stops=source.engine_stops)
        self._streams += 1
        try:
            async with aclosing(self._engine.generate(request)) as chunks:  # type: ignore[type-var]
                async for chunk in self._measure(chunks):
                    end = self._take(job, source, chunk)
                    self._suspects.observe(job)
                    if end is not None:
                        return end
        finally:
            self._streams -= 1
        raise EngineFailedError("the stream ended without a finish reason")

    async def _score(self, job: RunningJob) -> Chunk | None:
        """Score the prompt if requested; return the first token if it belongs to the run.

        A sampled token does not: a run must be the same with and without scores of its prompt.
        """
        sampling = job.request.sampling
        if sampling.prompt_logprobs is None or job.scored is not None:
            return None
        request = self._build_request(job, max_tokens=1, stops=())
        first = await self._scorer.score(job, request)
        is_own = sampling.temperature == 0.0 or sampling.max_tokens == 1
        return first if is_own and sampling.max_tokens and not job.token_ids else None

    def _take(self, job: RunningJob, source: CompletionSource, chunk: Chunk) -> Done | None:
        """Add a chunk to the completion; return the end if the chunk ends it."""
        piece = source.push(chunk)
        logprobs = chunk.logprobs[: len(piece.token_ids)]
        self._append(job, text=piece.text, token_ids=piece.token_ids, logprobs=logprobs)
        if piece.stopped or chunk.finish_reason is FinishReason.STOP:
            return self._finish(job, source, FinishReason.STOP)
        if len(job.token_ids) >= job.request.sampling.max_tokens:
            return self._finish(job, source, FinishReason.LENGTH)
        return None

    def _open_source(self, job: RunningJob) -> tuple[CompletionSource, bool]:
        """The job's text source at the job's current position, and whether the text ends there."""
        sampling = job.request.sampling
        if sampling.structure is not None and job.token_ids:
            # The engine cannot continue a grammar in the middle.
            self._publisher.replace(job, text="", token_ids=())
        if self.decoder is None:
            if job.token_ids:
                # Without a tokenizer, the two halves cannot be joined reliably.
                self._publisher.replace(job, text="", token_ids=())
            return EngineText(sampling.stop), False
        text = CompletionText(self.decoder, job.prompt_ids, sampling.stop)
        piece = text.push(job.token_ids)
        if not piece.text.startswith(job.text):
            self._publisher.replace(job, text=piece.text, token_ids=piece.token_ids)
        else:
            self._append(job, text=piece.text[len(job.text) :], token_ids=())
        return DerivedText(text), piece.stopped

    def _build_request(
        self, job: RunningJob, *, max_tokens: int, stops: tuple[str, ...]
    ) -> EngineRequest:
        sampling, done = job.request.sampling, len(job.token_ids)
        return EngineRequest(
            request_id=f"{job.job_id}-{job.request.attempt}-{done}",
            prompt_ids=(*job.prompt_ids, *job.token_ids),
            sampling=sampling,
            max_tokens=max_tokens,
            min_tokens=max(0, min(sampling.min_tokens, sampling.max_tokens) - done),
            seed=shift_seed(sampling.seed, done),
            stop=stops,
            logit_bias=add_biases(sampling.logit_bias, carry_penalties(sampling, job.token_ids)),
            stream_interval=choose_stream_interval(
                tokens_per_second=self._speed.tokens_per_second, streams=self._streams
            ),
            # An interrupted reader does not queue again behind new requests.
            priority=job.request.priority - (1 if done else 0),
        )

    async def _measure(self, chunks: AsyncIterator[Chunk]) -> AsyncIterator[Chunk]:
        """The same chunks, counted and timed."""
        last = 0.0
        asked_at = time.monotonic()
        async for chunk in chunks:
            now, tokens = time.monotonic(), len(chunk.token_ids)
            self._throughput.add(tokens)
            if last:
                self._speed.observe(tokens=tokens, seconds=now - last)
            last = now
            yield chunk
            # A fast engine may have the next chunk in the buffer, so reading it would not suspend.
            # Stops, leases and other readers need their turn.
            if now - asked_at < SUSPENDED_SECONDS:
                await asyncio.sleep(0)
            asked_at = time.monotonic()

    def _append(
        self,
        job: RunningJob,
        *,
        text: str,
        token_ids: Sequence[int],
        logprobs: Sequence[TokenLogprobs] = (),
    ) -> None:
        if job.first_token_ms is None and token_ids and not job.token_ids:
            job.first_token_ms = round((time.monotonic() - job.started_at) * 1000)
        self._publisher.append(job, text=text, token_ids=token_ids, logprobs=logprobs)

    def _finish(self, job: RunningJob, source: CompletionSource, reason: FinishReason) -> Done:
        self._append(job, text=source.finish(), token_ids=())
        return Done(finish_reason=reason, usage=job.usage)


def shift_seed(seed: int | None, tokens_done: int) -> int | None:
    """A continuation's seed; the original one would replay the random numbers already used."""
    return None if seed is None else (seed + tokens_done) % SEED_LIMIT


def add_biases(asked: Mapping[int, float], owed: Mapping[int, float]) -> dict[int, float]:
    """The sum of both for each token."""
    return {token: asked.get(token, 0.0) + owed.get(token, 0.0) for token in {*asked, *owed}}


def carry_penalties(sampling: SamplingParams, token_ids: Sequence[int]) -> dict[int, float]:
    """The penalties for generated tokens that the engine now sees as part of the prompt.

    Per token: -(frequency_penalty x count + presence_penalty), as the OpenAI API defines it.
    """
    if not sampling.presence_penalty and not sampling.frequency_penalty:
        return {}
    return {
        token: -(sampling.frequency_penalty * count + sampling.presence_penalty)
        for token, count in Counter(token_ids).items()
    }
