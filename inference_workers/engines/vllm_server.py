"""vLLM's own OpenAI-compatible server, over a Unix socket or a private address."""

from __future__ import annotations

import asyncio
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Any

import aiohttp

from inference_workers.engines.base import (
    Chunk,
    EngineFailedError,
    EngineLoad,
    EngineRefusedError,
    EngineReportedError,
    EngineRequest,
    EngineUnavailableError,
    ScoredPrompt,
)
from inference_workers.engines.completion_body import (
    build_row_body,
    build_score_body,
    build_stream_body,
)
from inference_workers.engines.completion_stream import name_error, read_choice, read_chunks
from inference_workers.engines.logprobs import read_prompt, read_row
from tracing import trace_headers

PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)
TOKENIZE_TIMEOUT = aiohttp.ClientTimeout(total=30)
WARM_UP_TIMEOUT = aiohttp.ClientTimeout(total=300)
# A queued request is silent while the engine is busy; the job's deadline limits the wait.
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=None)
READ_BUFFER_BYTES = 2**20
IMPOSSIBLE = -9999.0
"""vLLM's value for minus infinity."""
METRIC = re.compile(
    r"^vllm:(num_requests_running|num_requests_waiting|prompt_tokens_total"
    r"|generation_tokens_total|kv_cache_usage_perc)"
    r"\{[^}]*\}\s+([0-9.e+-]+)$",
    re.MULTILINE,
)


class VLLMServer:
    """A client of one vLLM server. Create it inside the event loop that uses it."""

    def __init__(self, *, model: str, socket: Path | None = None, url: str = "") -> None:
        self._model = model
        # The default limit of 100 connections would hold back jobs that the engine could batch.
        connector: aiohttp.BaseConnector = (
            aiohttp.TCPConnector(limit=0)
            if socket is None
            else aiohttp.UnixConnector(path=str(socket), limit=0)
        )
        self._session = aiohttp.ClientSession(
            base_url=url or "http://engine",
            connector=connector,
            read_bufsize=READ_BUFFER_BYTES,
        )

    async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
        body = {
            "model": self._model,
            "prompt": text,
            "add_special_tokens": add_special_tokens,
        }
        try:
            async with self._session.post(
                "/tokenize", json=body, timeout=TOKENIZE_TIMEOUT
            ) as reply:
                if 400 <= reply.status < 500:
                    raise EngineRefusedError(await _describe(reply))
                if reply.status != 200:
                    raise EngineUnavailableError(f"tokenize answered {reply.status}")
                return [int(token) for token in (await reply.json())["tokens"]]
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailableError(type(error).__name__) from error

    async def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        accepted = False
        try:
            async with self._session.post(
                "/v1/completions",
                json=build_stream_body(self._model, request),
                headers=trace_headers(),
                timeout=STREAM_TIMEOUT,
            ) as reply:
                await _require_accepted(reply)
                accepted = True
                async for chunk in read_chunks(
                    reply.content.iter_any(), width=request.sampling.logprobs
                ):
                    yield chunk
                    if chunk.finish_reason is not None:
                        return
            raise EngineFailedError("the stream ended without a finish reason")
        except EngineReportedError as error:
            raise await self._blame(request, error) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            name = type(error).__name__
            raise (EngineFailedError(name) if accepted else EngineUnavailableError(name)) from error

    async def score(self, request: EngineRequest) -> ScoredPrompt:
        try:
            choice = await self._complete(build_score_body(self._model, request))
        except EngineReportedError as error:
            raise await self._blame(request, error) from error
        sampling = request.sampling
        return ScoredPrompt(
            logprobs=read_prompt(
                choice["prompt_logprobs"], request.prompt_ids, width=sampling.prompt_logprobs or 0
            ),
            first=read_choice(choice, width=sampling.logprobs),
        )

    async def distribution(self, request: EngineRequest) -> Sequence[float]:
        choice = await self._complete(build_row_body(self._model, request))
        return read_row(choice["logprobs"]["top_logprobs"][0], fill=IMPOSSIBLE)

    async def version(self) -> str:
        try:
            async with self._session.get("/version", timeout=PROBE_TIMEOUT) as reply:
                return str((await reply.json())["version"])
        except (aiohttp.ClientError, OSError, TimeoutError, KeyError, ValueError) as error:
            raise EngineUnavailableError(type(error).__name__) from error

    async def _blame(
        self, request: EngineRequest, error: EngineReportedError
    ) -> EngineReportedError | EngineRefusedError:
        """Blame the request's structure if a healthy engine reports an error of its own.

        vLLM reports this for a structure that its compiler rejects, and would report it again.
        """
        if request.sampling.structure is not None and await self.is_healthy():
            return EngineRefusedError(f"structure: {error}")
        return error

    async def _complete(self, body: dict[str, Any]) -> dict[str, Any]:
        """The only choice of a response that is not streamed."""
        try:
            async with self._session.post(
                "/v1/completions", json=body, headers=trace_headers(), timeout=STREAM_TIMEOUT
            ) as reply:
                await _require_accepted(reply)
                # A whole vocabulary is megabytes of JSON; parsing it must not block other streams.
                raw = await reply.read()
                answer = await asyncio.to_thread(json.loads, raw)
                choice: dict[str, Any] = answer["choices"][0]
                return choice
        except aiohttp.ClientConnectorError as error:
            raise EngineUnavailableError(type(error).__name__) from error
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineFailedError(type(error).__name__) from error

    async def is_healthy(self) -> bool:
        try:
            async with self._session.get("/health", timeout=PROBE_TIMEOUT) as reply:
                return reply.status == 200
        except (aiohttp.ClientError, OSError, TimeoutError):
            return False

    async def load(self) -> EngineLoad:
        text = await self.metrics()
        totals: Counter[str] = Counter()
        kv_cache_usage: list[float] = []
        for name, value in METRIC.findall(text):
            if name == "kv_cache_usage_perc":
                kv_cache_usage.append(float(value))
            else:
                totals[name] += int(float(value))
        return EngineLoad(
            running=totals["num_requests_running"],
            waiting=totals["num_requests_waiting"],
            tokens_done=totals["prompt_tokens_total"] + totals["generation_tokens_total"],
            # With several engines behind one server, the fullest one matters.
            kv_cache_usage=max(kv_cache_usage, default=None),
        )

    async def metrics(self) -> str:
        try:
            async with self._session.get("/metrics", timeout=PROBE_TIMEOUT) as reply:
                return await reply.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailableError(type(error).__name__) from error

    async def warm_up(self) -> None:
        """Run one short request with log-probabilities, so that needed kernels are compiled.

        Raises `EngineFailedError` if the request fails.
        """
        body = {"model": self._model, "prompt": "1", "max_tokens": 2, "logprobs": 1}
        try:
            async with self._session.post(
                "/v1/completions", json=body, timeout=WARM_UP_TIMEOUT
            ) as reply:
                if reply.status != 200:
                    raise EngineFailedError(await _describe(reply))
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineFailedError(type(error).__name__) from error

    async def close(self) -> None:
        await self._session.close()


async def _require_accepted(reply: aiohttp.ClientResponse) -> None:
    if 400 <= reply.status < 500:
        raise EngineRefusedError(await _describe(reply))
    if reply.status == 503:
        raise EngineUnavailableError("the engine's queue is full")
    if reply.status != 200:
        raise EngineReportedError(f"completions answered {reply.status}")


async def _describe(reply: aiohttp.ClientResponse) -> str:
    try:
        body = await reply.json()
        return name_error(body["error"])
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return f"HTTP {reply.status}"
