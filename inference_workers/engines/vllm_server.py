"""vLLM's own OpenAI-compatible server, over a Unix socket or a private address."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import aiohttp

from inference_workers.engines.base import (
    Chunk,
    EngineFailedError,
    EngineLoad,
    EngineRefusedError,
    EngineRequest,
    EngineUnavailableError,
)
from inference_workers.engines.completion_stream import name_error, read_chunks
from inference_workers.tracing import trace_headers

PROBE_TIMEOUT = aiohttp.ClientTimeout(total=5)
TOKENIZE_TIMEOUT = aiohttp.ClientTimeout(total=30)
WARM_UP_TIMEOUT = aiohttp.ClientTimeout(total=300)
# A queued request is silent for as long as the engine is busy; the job's deadline bounds it.
STREAM_TIMEOUT = aiohttp.ClientTimeout(total=None, sock_connect=5, sock_read=None)
READ_BUFFER_BYTES = 2**20
METRIC = re.compile(
    r"^vllm:(num_requests_running|num_requests_waiting|prompt_tokens_total"
    r"|generation_tokens_total|kv_cache_usage_perc)"
    r"\{[^}]*\}\s+([0-9.e+-]+)$",
    re.MULTILINE,
)


class VLLMServer:
    """Client of one vLLM server. Must be created inside the event loop that uses it."""

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

    async def tokenize(self, text: str) -> list[int]:
        body = {"model": self._model, "prompt": text}
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
                json=_body(self._model, request),
                headers=trace_headers(),
                timeout=STREAM_TIMEOUT,
            ) as reply:
                if 400 <= reply.status < 500:
                    raise EngineRefusedError(await _describe(reply))
                if reply.status == 503:
                    raise EngineUnavailableError("the engine's queue is full")
                if reply.status != 200:
                    raise EngineFailedError(f"completions answered {reply.status}")
                accepted = True
                async for chunk in read_chunks(reply.content.iter_any()):
                    yield chunk
                    if chunk.finish_reason is not None:
                        return
            raise EngineFailedError("the stream ended without a finish reason")
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            name = type(error).__name__
            raise (EngineFailedError(name) if accepted else EngineUnavailableError(name)) from error

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
            # Of several engines behind one server the fullest is the one that matters.
            kv_cache_usage=max(kv_cache_usage, default=None),
        )

    async def metrics(self) -> str:
        try:
            async with self._session.get("/metrics", timeout=PROBE_TIMEOUT) as reply:
                return await reply.text()
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            raise EngineUnavailableError(type(error).__name__) from error

    async def warm_up(self) -> None:
        """Run one short request with log-probabilities, which compiles what the first one needs.

        Raises `EngineFailedError` if the engine cannot do even that.
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


def _body(model: str, request: EngineRequest) -> dict[str, Any]:
    """Every parameter is spelt out, so that no default of the server or the model applies."""
    sampling = request.sampling
    body: dict[str, Any] = {
        "model": model,
        "prompt": list(request.prompt_ids),
        "request_id": request.request_id,
        "max_tokens": request.max_tokens,
        "temperature": sampling.temperature,
        "top_p": sampling.top_p,
        "top_k": sampling.top_k,
        "min_p": 0.0,
        "repetition_penalty": 1.0,
        "presence_penalty": sampling.presence_penalty,
        "frequency_penalty": sampling.frequency_penalty,
        "stop": list(request.stop),
        "stream": True,
        "return_token_ids": True,
        "stream_interval": request.stream_interval,
        "priority": request.priority,
    }
    if request.seed is not None:
        body["seed"] = request.seed
    if request.logit_bias:
        body["logit_bias"] = {str(token): bias for token, bias in request.logit_bias.items()}
    return body


async def _describe(reply: aiohttp.ClientResponse) -> str:
    try:
        body = await reply.json()
        return name_error(body["error"])
    except (aiohttp.ClientError, ValueError, KeyError, TypeError):
        return f"HTTP {reply.status}"
