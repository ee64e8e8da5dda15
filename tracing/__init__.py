"""The OpenTelemetry setup of the site and its workers: one exporter, one way to open a span.

Without an exporter the API's own no-op spans are used: nothing is recorded or sent. Spans carry
routes, ids, counts and codes: no prompt, no completion, no query of an address, no name or e-mail.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Final

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

TRACEPARENT: Final = "traceparent"
"""The W3C header, in a message's headers and in the request to an engine."""
# Not the global propagator, which would also carry baggage set by a client.
_PROPAGATOR: Final = TraceContextTextMapPropagator()

tracer = trace.get_tracer("gatehouse")


def configure_tracing(*, endpoint: str, service_name: str) -> None:
    """Send spans to the collector at `endpoint` by OTLP over HTTP; empty for no traces.

    The other OTEL_* variables (sampler, headers, service name) work as the SDK documents them.
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
def open_span(
    name: str,
    *,
    kind: SpanKind,
    traceparent: str = "",
    attributes: Mapping[str, str | int] | None = None,
) -> Iterator[Span]:
    """A span, current until the context is left; below `traceparent` if there is one.

    The text of an exception may quote people's data, so none is recorded.
    """
    parent = _PROPAGATOR.extract({TRACEPARENT: traceparent}) if traceparent else None
    with tracer.start_as_current_span(
        name,
        context=parent,
        kind=kind,
        attributes=attributes,
        record_exception=False,
        set_status_on_exception=False,
    ) as span:
        yield span


def trace_fields(span: Span) -> dict[str, str]:
    """`trace_id` for a log line; empty when there is no trace."""
    context = span.get_span_context()
    return {"trace_id": trace.format_trace_id(context.trace_id)} if context.is_valid else {}


def trace_headers() -> dict[str, str]:
    """The current span as W3C headers; empty when there is none."""
    headers: dict[str, str] = {}
    _PROPAGATOR.inject(headers)
    return headers
