"""Traces of requests and submitted jobs by OpenTelemetry.

Without an exporter the API's own no-op spans are used: nothing is recorded or sent. Spans carry
routes, ids, counts and codes; no address with its query, no prompt, nobody's name or e-mail.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from portal.platform.core.metrics import route_name

# Not the global propagator: baggage would carry whatever somebody put into it.
_PROPAGATOR: Final = TraceContextTextMapPropagator()

tracer = trace.get_tracer("gatehouse.portal")


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


class RequestTraceMiddleware:
    """One span a request, up to the head of its answer; log lines meanwhile name the trace.

    A `traceparent` that a client sends is not heeded: it could make us record everything, or
    put its requests into somebody else's trace.
    """

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_span() as span:
            response = self.get_response(request)
            describe_span(span, request, response)
        return response


@contextmanager
def request_span() -> Iterator[Span]:
    """Current while a request is answered; log lines meanwhile name its trace."""
    with _span("request", kind=SpanKind.SERVER) as span:
        if span.is_recording():
            trace_id = trace.format_trace_id(span.get_span_context().trace_id)
            structlog.contextvars.bind_contextvars(trace_id=trace_id)
        yield span


@contextmanager
def submit_span() -> Iterator[Span]:
    """Current while a job is accepted and sent; the worker's span hangs below it."""
    with _span("submit job", kind=SpanKind.PRODUCER) as span:
        yield span


def annotate_span(**attributes: str | int) -> None:
    """Add attributes named `gatehouse.*` to the current span."""
    span = trace.get_current_span()
    for name, value in attributes.items():
        span.set_attribute(f"gatehouse.{name}", value)


def trace_headers() -> dict[str, str]:
    """The current span as W3C headers; empty when there is none."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers


@contextmanager
def _span(name: str, *, kind: SpanKind) -> Iterator[Span]:
    # The text of an exception may quote what it was about, so none is recorded.
    with tracer.start_as_current_span(
        name, kind=kind, record_exception=False, set_status_on_exception=False
    ) as span:
        yield span


def describe_span(span: Span, request: HttpRequest, response: HttpResponseBase) -> None:
    """Give a request's span its route and status."""
    if not span.is_recording():
        return
    route = route_name(request)
    span.update_name(f"{request.method} {route}")
    span.set_attributes(
        {
            "http.request.method": request.method or "",
            "http.route": route,
            "http.response.status_code": response.status_code,
        }
    )
    if response.status_code >= 500:
        span.set_status(Status(StatusCode.ERROR))
