"""The output of the real worker process: logs, traces and metrics."""

from __future__ import annotations

import gzip
import socket
import threading
import urllib.request
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.inference_workers.conftest import expected_text, make_request
from tests.inference_workers.test_celery_worker import Site, wait_for


@pytest.fixture
def site(valkey_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(valkey_url, tmp_path)
    yield site
    site.close()


def test_no_log_line_holds_a_prompt_or_a_completion_even_at_debug(site: Site) -> None:
    site.env["LOG_LEVEL"] = "DEBUG"
    site.start_worker()
    marker = "zebra-crossing-4711"
    finished = make_request(f"[delay=0.001]{marker}", sampling={"stop": [f"{marker}-stop"]})
    refused = make_request(f"\0{marker}")
    dying = make_request(f"[die=3]{marker}")
    too_long = make_request(f"{marker}{'x' * 5000}")
    late = make_request(f"[hang=3]{marker}", seconds=0.3)
    requests = [finished, refused, dying, too_long, late]
    for request in requests:
        site.submit(request)

    wait_for(lambda: all(site.ended(request.job_id) for request in requests))

    log = site.log(0).read_text()
    assert [line for line in log.splitlines() if marker in line] == []
    assert expected_text("x", 12)[-8:] not in log
    # The level was DEBUG, so each job has left a line with its id.
    assert "debug" in log
    assert [log.count(f"job_id={request.job_id}") > 0 for request in requests] == [True] * 5


class Collector(BaseHTTPRequestHandler):
    """Receives spans like an OpenTelemetry collector."""

    spans: ClassVar[list[Span]] = []

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        request = ExportTraceServiceRequest.FromString(body)
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans.extend(scope.spans)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Keep quiet."""


@pytest.fixture
def collector() -> Iterator[str]:
    """The address of a collector; its spans are in `Collector.spans`."""
    Collector.spans = []
    with ThreadingHTTPServer(("127.0.0.1", 0), Collector) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


def test_the_trace_of_the_message_goes_on_to_a_collector(site: Site, collector: str) -> None:
    site.env |= {"OTEL_EXPORTER_OTLP_ENDPOINT": collector, "OTEL_BSP_SCHEDULE_DELAY": "50"}
    site.start_worker()
    traced, untraced = make_request("a secret prompt"), make_request("another secret prompt")
    trace_id, span_id = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
    site.submit(traced, traceparent=f"00-{trace_id}-{span_id}-01")
    site.submit(untraced)

    wait_for(lambda: len(Collector.spans) == 2)

    first, second = sorted(Collector.spans, key=lambda span: not span.parent_span_id)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (trace_id, span_id)
    assert [event.name for event in first.events] == ["claimed", "first_token", "end"]
    assert second.parent_span_id == b""
    assert [b"secret" in span.SerializeToString() for span in (first, second)] == [False, False]


def test_metrics_are_served_where_the_settings_say(site: Site) -> None:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
    site.env["METRICS_PORT"] = str(port)
    site.start_worker()
    request = make_request(sampling={"max_tokens": 9})
    site.submit(request)
    wait_for(lambda: site.ended(request.job_id))

    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as reply:
        lines = reply.read().decode().splitlines()

    assert 'gatehouse_worker_tokens_total{deployment="scripted"} 9.0' in lines
