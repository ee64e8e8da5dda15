"""The span of a job; `tracing` says what spans carry."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import structlog
from opentelemetry.trace import Span, SpanKind

from inference_workers.contract import GenerationRequest
from tracing import open_span, trace_fields


@contextmanager
def job_span(request: GenerationRequest, *, traceparent: str) -> Iterator[Span]:
    """The worker's span of one job, current until the context is left.

    Log lines in the context have the job's id, and the trace's if there is one.
    """
    attributes: dict[str, str | int] = {
        "gatehouse.job_id": str(request.job_id),
        "gatehouse.deployment": request.deployment,
        "gatehouse.attempt": request.attempt,
    }
    with open_span(
        "run job", kind=SpanKind.CONSUMER, traceparent=traceparent, attributes=attributes
    ) as span:
        fields = {"job_id": str(request.job_id), **trace_fields(span)}
        tokens = structlog.contextvars.bind_contextvars(**fields)
        try:
            yield span
        finally:
            structlog.contextvars.reset_contextvars(**tokens)
