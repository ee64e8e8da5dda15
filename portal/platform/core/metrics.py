"""What the web processes count for Prometheus.

Several processes behind one port (WEB_CONCURRENCY) share files in PROMETHEUS_MULTIPROC_DIR, so
that each of them can report for all.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Final

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    ProcessCollector,
    generate_latest,
    multiprocess,
)

from portal.platform.core.base_middleware import Middleware

METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
REQUEST_SECONDS: Final = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

_SHARED: Final = os.environ.get("PROMETHEUS_MULTIPROC_DIR", "")
REGISTRY: Final = CollectorRegistry()
if _SHARED:
    Path(_SHARED).mkdir(parents=True, exist_ok=True)
else:
    ProcessCollector(registry=REGISTRY)

_REQUESTS: Final = Counter(
    "gatehouse_http_requests",
    "Requests by route name, method and status class, without static files.",
    ["route", "method", "status"],
    registry=REGISTRY,
)
_REQUEST_SECONDS: Final = Histogram(
    "gatehouse_http_request_seconds",
    "Time from the request to the head of its response.",
    ["route"],
    buckets=REQUEST_SECONDS,
    registry=REGISTRY,
)


class RequestMetricsMiddleware(Middleware):
    """Counts each request when its response is known."""

    def __call__(self, request: HttpRequest) -> HttpResponse:
        began = time.perf_counter()
        response = self.get_response(request)
        count_request(request, response, seconds=time.perf_counter() - began)
        return response


def count_request(request: HttpRequest, response: HttpResponseBase, *, seconds: float) -> None:
    """Count a request; `seconds` is the time until its response began."""
    route = route_name(request)
    method = request.method if request.method in METHODS else "other"
    _REQUESTS.labels(route, method, f"{response.status_code // 100}xx").inc()
    _REQUEST_SECONDS.labels(route).observe(seconds)


def route_name(request: HttpRequest) -> str:
    """The route's name, such as `playground:events`; its pattern if it has none.

    Never the path: paths hold ids, and anybody can request any number of them.
    """
    match = request.resolver_match
    if match is None:
        return "none"
    return match.view_name if match.url_name else match.route or "none"


def render_processes() -> bytes:
    """Prometheus' text for what all web processes have counted."""
    if not _SHARED:
        return generate_latest(REGISTRY)
    _forget_the_dead(Path(_SHARED))
    registry = CollectorRegistry()
    multiprocess.MultiProcessCollector(registry, path=_SHARED)  # type: ignore[no-untyped-call]
    return generate_latest(registry)


def _forget_the_dead(folder: Path) -> None:
    """Drop the open streams of ended processes; what these counted stays counted."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = int(file.stem.rpartition("_")[2])
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            with suppress(FileNotFoundError):
                multiprocess.mark_process_dead(pid, _SHARED)  # type: ignore[no-untyped-call]
        except PermissionError:
            continue
