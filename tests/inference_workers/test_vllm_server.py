"""The client of vLLM's server, against a server that answers as vLLM does."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, use_span

from inference_workers.contract import FinishReason, SamplingParams, Structure
from inference_workers.engines.base import (
    Chunk,
    EngineFailedError,
    EngineLoad,
    EngineRefusedError,
    EngineReportedError,
    EngineRequest,
    EngineUnavailableError,
)
from inference_workers.engines.vllm_server import VLLMServer
from tests.inference_workers.conftest import wait_until

REQUEST = EngineRequest(
    request_id="r",
    prompt_ids=(1, 2),
    sampling=SamplingParams(max_tokens=9, temperature=0.1 + 0.2, top_p=0.9, top_k=5, stop=("x",)),
    max_tokens=7,
    seed=3,
    logit_bias={4: -0.5},
    stream_interval=2,
    priority=-1,
)
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def choice(text: str, ids: list[int], reason: str | None = None) -> dict[str, Any]:
    return {"choices": [{"index": 0, "text": text, "token_ids": ids, "finish_reason": reason}]}


def error(code: int) -> dict[str, Any]:
    """VLLM's error object; its message quotes the prompt."""
    message = "the secret prompt is too long"
    return {"error": {"message": message, "type": "Bad", "param": "prompt", "code": code}}


async def stream(request: web.Request, lines: list[dict[str, Any]]) -> web.StreamResponse:
    response = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
    await response.prepare(request)
    for line in lines:
        await response.write(f"data: {json.dumps(line)}\n\n".encode())
    return response


class FakeServer:
    """Answers /v1/completions with `handler`, and stores the requests."""

    def __init__(self, socket: Path) -> None:
        self.socket = socket
        self.bodies: list[dict[str, Any]] = []
        self.lines: list[dict[str, Any]] = []
        self.status = self.health = 200
        self.traceparent: str | None = None
        self.dropped = 0
        self.hangs = False
        application = web.Application()
        application.router.add_post("/v1/completions", self._complete)
        application.router.add_post("/tokenize", self._tokenize)
        application.router.add_get("/health", self._health)
        application.router.add_get("/metrics", self._metrics)
        self._runner = web.AppRunner(application, handler_cancellation=True)

    async def start(self) -> None:
        await self._runner.setup()
        await web.UnixSite(self._runner, str(self.socket)).start()

    async def stop(self) -> None:
        await self._runner.cleanup()

    async def _complete(self, request: web.Request) -> web.StreamResponse:
        self.bodies.append(await request.json())
        self.traceparent = request.headers.get("traceparent")
        if self.status != 200:
            return web.json_response(error(self.status), status=self.status)
        response = await stream(request, self.lines)
        if self.hangs:
            try:
                await asyncio.sleep(60)
            finally:
                self.dropped += 1
        return response

    async def _tokenize(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.json())
        if self.status != 200:
            return web.json_response(error(self.status), status=self.status)
        return web.json_response({"count": 2, "tokens": [2, 7]})

    async def _health(self, _: web.Request) -> web.Response:
        return web.Response(status=max(self.status, self.health))

    async def _metrics(self, _: web.Request) -> web.Response:
        label = '{engine="0",model_name="m"}'
        lines = (
            "# HELP vllm:num_requests_running Number of requests.",
            f"vllm:num_requests_running{label} 3.0",
            f"vllm:num_requests_waiting{label} 2.0",
            'vllm:num_requests_waiting_by_reason{engine="0",reason="capacity"} 9.0',
            f"vllm:prompt_tokens_total{label} 10.0",
            f"vllm:generation_tokens_total{label} 1.5e+06",
            f"vllm:kv_cache_usage_perc{label} 0.25",
            'vllm:kv_cache_usage_perc{engine="1",model_name="m"} 5e-01',
        )
        return web.Response(text="\n".join(lines))


@pytest.fixture
async def server(tmp_path: Path) -> AsyncIterator[FakeServer]:
    server = FakeServer(tmp_path / "e.sock")
    await server.start()
    yield server
    await server.stop()


@pytest.fixture
async def engine(tmp_path: Path) -> AsyncIterator[VLLMServer]:
    engine = VLLMServer(model="m", socket=tmp_path / "e.sock")
    yield engine
    await engine.close()


async def collect(engine: VLLMServer, request: EngineRequest = REQUEST) -> list[Chunk]:
    async with aclosing(engine.generate(request)) as chunks:  # type: ignore[type-var]
        return [chunk async for chunk in chunks]


async def test_chunks_carry_text_ids_and_the_reason(server: FakeServer, engine: VLLMServer) -> None:
    server.lines = [choice("a", [5]), choice("", [6, 7]), choice("b", [8], "stop")]

    assert await collect(engine) == [
        Chunk("a", (5,)),
        Chunk("", (6, 7)),
        Chunk("b", (8,), FinishReason.STOP),
    ]


async def test_every_parameter_is_sent_as_asked(server: FakeServer, engine: VLLMServer) -> None:
    server.lines = [choice("", [1], "length")]
    await collect(engine)

    assert server.bodies == [
        {
            "model": "m",
            "prompt": [1, 2],
            "request_id": "r",
            "max_tokens": 7,
            "temperature": 0.1 + 0.2,
            "top_p": 0.9,
            "top_k": 5,
            "min_p": 0.0,
            "repetition_penalty": 1.0,
            "presence_penalty": 0.0,
            "frequency_penalty": 0.0,
            "min_tokens": 0,
            "ignore_eos": False,
            "stop": [],
            "stop_token_ids": [],
            "bad_words": [],
            "stream": True,
            "return_token_ids": True,
            "stream_interval": 2,
            "priority": -1,
            "seed": 3,
            "logit_bias": {"4": -0.5},
        }
    ]


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (400, EngineRefusedError),
        (404, EngineRefusedError),
        (500, EngineReportedError),
        (503, EngineUnavailableError),
    ],
)
async def test_status_tells_whose_fault_it_is(
    server: FakeServer, engine: VLLMServer, status: int, expected: type[Exception]
) -> None:
    server.status = status

    with pytest.raises(expected) as caught:
        await collect(engine)

    assert type(caught.value) is expected
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("code", "expected"), [(400, EngineRefusedError), (500, EngineReportedError)]
)
async def test_error_inside_the_stream_is_seen(
    server: FakeServer, engine: VLLMServer, code: int, expected: type[Exception]
) -> None:
    server.lines = [choice("a", [1]), error(code)]

    with pytest.raises(expected):
        await collect(engine)


@pytest.mark.parametrize(
    ("health", "expected"), [(200, EngineRefusedError), (503, EngineReportedError)]
)
async def test_a_structure_that_a_living_engine_fails_on_is_refused(
    server: FakeServer, engine: VLLMServer, health: int, expected: type[Exception]
) -> None:
    """Seen with vLLM 0.32: a grammar that does not compile is a 500 in the stream."""
    server.lines, server.health = [error(500)], health
    structured = replace(
        REQUEST, sampling=SamplingParams(max_tokens=1, structure=Structure(regex="a"))
    )

    with pytest.raises(expected):
        await collect(engine, structured)
    with pytest.raises(EngineReportedError):
        await collect(engine)


async def test_stream_without_a_finish_reason_has_failed(
    server: FakeServer, engine: VLLMServer
) -> None:
    server.lines = [choice("a", [1])]

    with pytest.raises(EngineFailedError):
        await collect(engine)


async def test_no_server_is_unavailable(engine: VLLMServer) -> None:
    with pytest.raises(EngineUnavailableError):
        await collect(engine)
    with pytest.raises(EngineUnavailableError):
        await engine.tokenize("x")
    assert not await engine.is_healthy()


async def test_leaving_the_stream_drops_the_connection(
    server: FakeServer, engine: VLLMServer
) -> None:
    server.lines, server.hangs = [choice("a", [1])], True
    async with aclosing(engine.generate(REQUEST)) as chunks:  # type: ignore[type-var]
        async for _ in chunks:
            break

    await wait_until(lambda: server.dropped == 1)


async def test_tokenize_answers_the_engines_ids(server: FakeServer, engine: VLLMServer) -> None:
    assert await engine.tokenize("hi") == [2, 7]
    assert server.bodies == [{"model": "m", "prompt": "hi", "add_special_tokens": True}]


async def test_the_current_span_goes_with_the_request(
    server: FakeServer, engine: VLLMServer
) -> None:
    server.lines = [choice("a", [1], "stop")]
    await collect(engine)
    assert server.traceparent is None
    context = SpanContext(trace_id=7, span_id=9, is_remote=False, trace_flags=TraceFlags(1))

    with use_span(NonRecordingSpan(context)):
        await collect(engine)

    assert server.traceparent == f"00-{7:032x}-{9:016x}-01"


async def test_load_is_read_from_the_metrics(server: FakeServer, engine: VLLMServer) -> None:
    assert await engine.load() == EngineLoad(
        running=3, waiting=2, tokens_done=1_500_010, kv_cache_usage=0.5
    )


@pytest.mark.parametrize(("status", "healthy"), [(200, True), (503, False)])
async def test_health(server: FakeServer, engine: VLLMServer, status: int, healthy: bool) -> None:
    server.status = status

    assert await engine.is_healthy() is healthy
