"""A job's trace continues from its sender to the engine, and contains nothing private."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

import tracing
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.engines.base import Chunk, EngineRequest
from inference_workers.engines.scripted import ScriptedEngine
from inference_workers.launcher.vllm_command import build_command, build_environment
from tests.inference_workers.conftest import StartWorker, make_request

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
TRACEPARENT = f"00-{TRACE}-{PARENT}-01"


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("tests"))
    yield exporter
    provider.shutdown()


class ListeningEngine(ScriptedEngine):
    """Keeps the headers that a request to a real engine would carry."""

    def __init__(self) -> None:
        super().__init__()
        self.headers: list[dict[str, str]] = []

    def generate(self, request: EngineRequest) -> AsyncIterator[Chunk]:
        self.headers.append(tracing.trace_headers())
        return super().generate(request)


def only(spans: InMemorySpanExporter) -> ReadableSpan:
    [span] = spans.get_finished_spans()
    return span


async def test_the_jobs_span_hangs_below_the_senders(
    start_worker: StartWorker, spans: InMemorySpanExporter
) -> None:
    engine = ListeningEngine()
    worker = await start_worker(engine)
    request = make_request("a secret prompt", sampling={"max_tokens": 7})

    await worker.run_job(request, traceparent=TRACEPARENT)

    span = only(spans)
    assert span.context is not None
    assert span.parent is not None
    assert format_trace_id(span.context.trace_id) == TRACE
    assert format_span_id(span.parent.span_id) == PARENT
    assert dict(span.attributes or {}) == {
        "gatehouse.job_id": str(request.job_id),
        "gatehouse.deployment": "scripted",
        "gatehouse.attempt": 1,
        "gatehouse.result": "finished",
    }
    assert [event.name for event in span.events] == ["claimed", "first_token", "end"]
    assert dict(span.events[-1].attributes or {}) == {
        "gatehouse.end": "done",
        "gatehouse.code": "",
        "gatehouse.tokens": 7,
    }
    own = format_span_id(span.context.span_id)
    assert engine.headers == [{"traceparent": f"00-{TRACE}-{own}-01"}]
    assert "secret" not in span.to_json()


async def test_without_a_sender_the_job_begins_a_trace(
    start_worker: StartWorker, spans: InMemorySpanExporter
) -> None:
    worker = await start_worker()

    await worker.run_job(make_request())

    assert only(spans).parent is None


@pytest.mark.parametrize("traceparent", ["", "nonsense", "00-0-0-00"])
async def test_what_is_no_trace_is_ignored(
    start_worker: StartWorker, spans: InMemorySpanExporter, traceparent: str
) -> None:
    worker = await start_worker()

    await worker.run_job(make_request(), traceparent=traceparent)

    assert only(spans).parent is None


async def test_without_an_exporter_nothing_is_recorded_or_sent(start_worker: StartWorker) -> None:
    engine = ListeningEngine()
    worker = await start_worker(engine)

    await worker.run_job(make_request())

    assert engine.headers == [{}]


async def test_log_lines_of_a_job_carry_its_id_and_trace(
    start_worker: StartWorker, spans: InMemorySpanExporter
) -> None:
    structlog.contextvars.clear_contextvars()
    seen: list[dict[str, Any]] = []

    class Engine(ScriptedEngine):
        async def tokenize(self, text: str, *, add_special_tokens: bool = True) -> list[int]:
            seen.append(structlog.contextvars.get_contextvars())
            return await super().tokenize(text)

    worker = await start_worker(Engine())
    request = make_request()

    await worker.run_job(request, traceparent=TRACEPARENT)

    assert seen == [{"job_id": str(request.job_id), "trace_id": TRACE}]
    assert structlog.contextvars.get_contextvars() == {}


def test_the_engine_is_told_where_to_send_its_spans() -> None:
    deployment = Deployment(slug="d", hub="h", max_model_len=8)
    off = LauncherSettings(deployment="d")
    on = LauncherSettings(deployment="d", otel_exporter_otlp_endpoint="http://collector:4318/")

    plain = build_command(off, deployment)
    more = [word for word in build_command(on, deployment) if word not in plain]

    assert more == ["--otlp-traces-endpoint", "http://collector:4318/v1/traces"]
    environment = build_environment(on, deployment, inherited={})
    assert environment["OTEL_EXPORTER_OTLP_TRACES_PROTOCOL"] == "http/protobuf"
    assert environment["OTEL_SERVICE_NAME"] == "gatehouse-engine"
    assert build_environment(off, deployment, inherited={}) == {
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
    }
