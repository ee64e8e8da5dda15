"""Metrics of event streams: their number, size and time to the first token."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Final

from django.utils import timezone
from prometheus_client import Counter, Gauge, Histogram

from portal.lab.jobs.models import GenerationJob
from portal.platform.core.metrics import REGISTRY

FIRST_TOKEN_SECONDS: Final = (0.1, 0.2, 0.4, 0.8, 1.5, 3.0, 6.0, 12.0, 30.0, 60.0, 300.0, 1800.0)
_EVENT: Final = b"\ndata: "
_FIRST_DELTA: Final = re.compile(rb"id: (\d+)-\d+\nevent: delta\n")

_OPEN: Final = Gauge(
    "gatehouse_streams_open",
    "Event streams that readers hold open.",
    multiprocess_mode="livesum",
    registry=REGISTRY,
)
_EVENTS: Final = Counter("gatehouse_stream_events", "Events sent to readers.", registry=REGISTRY)
_BYTES: Final = Counter("gatehouse_stream_bytes", "Bytes sent to readers.", registry=REGISTRY)
_FIRST_TOKEN: Final = Histogram(
    "gatehouse_stream_first_token_seconds",
    "From a run's acceptance to the first token sent to a waiting reader.",
    ["deployment"],
    buckets=FIRST_TOKEN_SECONDS,
    registry=REGISTRY,
)


async def meter_stream(
    job: GenerationJob, frames: AsyncIterator[bytes]
) -> AsyncGenerator[bytes, None]:
    """The same frames, counted."""
    opened_ms = time.time() * 1000
    is_first_to_come = True
    _OPEN.inc()
    try:
        async with aclosing(frames) as pieces:  # type: ignore[type-var]  # it is a generator
            async for piece in pieces:
                _EVENTS.inc(piece.count(_EVENT))
                _BYTES.inc(len(piece))
                if is_first_to_come and (delta := _FIRST_DELTA.search(piece)):
                    is_first_to_come = False
                    # An older entry is a replay for a reader that connected later.
                    if int(delta[1]) >= opened_ms:
                        waited = (timezone.now() - job.created_at).total_seconds()
                        _FIRST_TOKEN.labels(job.deployment).observe(waited)
                yield piece
    finally:
        _OPEN.dec()
