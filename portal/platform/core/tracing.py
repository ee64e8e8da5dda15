"""Spans of requests and of submitted jobs; `tracing` says what spans carry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Status, StatusCode

from portal.platform.core.base_middleware import Middleware
from portal.platform.core.metrics import route_name
from tracing import open_span, trace_fields


class RequestTraceMiddleware(Middleware):
    """One span for each request, up to the head of its response; its log lines name the trace.

    A client's `traceparent` is ignored: with it, a client could force the recording of everything
    or put its requests into somebody else's trace.
    """

    def __call__(self, request: HttpRequest) -> HttpResponse:
        with request_span() as span:
            response = self.get_response(request)
            describe_span(span, request, response)
        return response


@contextmanager
def request_span() -> Iterator[Span]:
    """The current span while a request is handled; log lines meanwhile name its trace."""
    with open_span("request", kind=SpanKind.SERVER) as span:
        structlog.contextvars.bind_contextvars(**trace_fields(span))
        yield span


@contextmanager
def submit_span() -> Iterator[Span]:
    """The current span while a job is accepted and sent; the worker's span is its child."""
    with open_span("submit job", kind=SpanKind.PRODUCER) as span:
        yield span


def annotate_span(**attributes: str | int) -> None:
    """Add attributes named `gatehouse.*` to the current span."""
    span = trace.get_current_span()
    for name, value in attributes.items():
        span.set_attribute(f"gatehouse.{name}", value)


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
