"""Traces of jobs by OpenTelemetry.

Without an exporter the API's own no-op spans are used: nothing is recorded or sent. Spans carry
ids, counts and codes, never a prompt, a completion or a person.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from inference_workers.contract import GenerationRequest

TRACEPARENT: Final = "traceparent"
"""The W3C header, in the message's headers and in the request to the engine."""
# Not the global propagator: baggage would carry whatever somebody put into it.
_PROPAGATOR: Final = TraceContextTextMapPropagator()

tracer = trace.get_tracer("gatehouse.inference_workers")


def configure_tracing(*, endpoint: str, service_name: str) -> None:
    """Send spans to the collector at `endpoint` by OTLP over HTTP; empty for no traces.

    The other OTEL_* variables (sampler, headers, service name) count as the SDK documents them.
    """
    if not endpoint:
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415 -- only where it is used
        OTLPSpanExporter,
    )
    from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
    from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
    from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

    os.environ.setdefault("OTEL_SERVICE_NAME", service_name)
    os.environ.setdefault("OTEL_EXPORTER_OTLP_ENDPOINT", endpoint)
    provider = TracerProvider(resource=Resource.create())
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    trace.set_tracer_provider(provider)


@contextmanager
def job_span(request: GenerationRequest, *, traceparent: str) -> Iterator[Span]:
    """The worker's span of one job, current until the context is left.

    Every log line meanwhile carries the job's id, and the trace's where there is one.
    """
    parent = _PROPAGATOR.extract({TRACEPARENT: traceparent}) if traceparent else None
    attributes: dict[str, str | int] = {
        "gatehouse.job_id": str(request.job_id),
        "gatehouse.deployment": request.deployment,
        "gatehouse.attempt": request.attempt,
    }
    # The text of an exception may quote what it was about, so none is recorded.
    with tracer.start_as_current_span(
        "run job",
        context=parent,
        kind=SpanKind.CONSUMER,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        fields = {"job_id": str(request.job_id), **trace_fields(span)}
        tokens = structlog.contextvars.bind_contextvars(**fields)
        try:
            yield span
        finally:
            structlog.contextvars.reset_contextvars(**tokens)


def trace_fields(span: Span) -> dict[str, str]:
    """`trace_id` for a log line; empty when there is no trace."""
    context = span.get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.is_valid else {}


def trace_headers() -> dict[str, str]:
    """The current span as W3C headers; empty when there is none."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers
