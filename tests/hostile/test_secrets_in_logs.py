"""Links that open something without signing in: their secrets must not be in the logs."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import socket
from collections.abc import Iterator

import httpx2
import pytest
import redis
import structlog
from django.contrib.admin.models import LogEntry
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from requests import RequestException, Session

import tracing
from portal.config.logging import configure_logging
from portal.platform.audit.models import AuditEvent
from portal.platform.core.masking import mask_secrets
from portal.platform.core.metrics import render_processes
from tests.lab.playground.sse import serve
from tests.walker.routes import Route, all_routes

SECRET = "sEcReT-of-43-characters-which-nobody-may-see"
HALVES = (SECRET[:20], SECRET[20:])
PUBLIC = {
    *("app_label", "batch_id", "case_number", "command", "content_type_id", "ending", "engine"),
    *("file_id", "grant_id", "job_id", "kind", "link_id", "look_id", "model_id", "node_id"),
    *("number", "object_id", "pk", "slug", "table", "url"),
    *("folder", "links", "name", "path", "release", "repo", "rev", "revision", "run", "user"),
}
"""Arguments that can be in a log: numbers, names and ids that open nothing without a sign-in."""


@pytest.fixture
def written() -> Iterator[io.StringIO]:
    """The output of all loggers, with the site's configuration and with every access."""
    root = logging.getLogger()
    before = (root.handlers, root.level, structlog.get_config())
    configure_logging(level="INFO", log_format="json")
    logging.getLogger("uvicorn.access").setLevel(logging.INFO)
    handler = root.handlers[0]
    assert isinstance(handler, logging.StreamHandler)
    stream = io.StringIO()
    handler.setStream(stream)
    yield stream
    logging.getLogger("uvicorn.access").setLevel(logging.WARNING)
    root.handlers, root.level = before[:2]
    structlog.configure(**before[2])


def secret_routes() -> list[Route]:
    return [route for route in all_routes() if not set(route.arguments) <= PUBLIC]


def fill(route: Route, secret: str) -> str:
    values = {name: "7" if name in PUBLIC else secret for name in route.arguments}
    return route.address(values)


def variants(path: str) -> list[str]:
    """Links as they arrive: truncated, doubled, in capitals, with text added."""
    return [
        path,
        path.rstrip("/"),
        path + "more/",
        path.replace("/7/", "//7//"),
        path.replace("/7/", "/7/%20"),
        path.replace(HALVES[0], f"{HALVES[0]}%0A%20"),
        path.replace("/7/", "/"),
        path.upper().replace(SECRET.upper(), SECRET),
        f"{path}?next={path}",
    ]


def test_tokens_and_keys_are_the_only_secrets_of_paths() -> None:
    assert [route.pattern for route in secret_routes()] == [
        "account/confirm-email/<key>/",
        "account/password/reset/key/<uidb36>-<key>/",
        "hub/links/<str:token>/<str:name>",
        "hub/links/<str:token>/files/<path:path>",
        "join/<int:pk>/<str:token>/",
        "join/<int:pk>/<str:token>/decline/",
        "shared-runs/<str:token>/",
        "shared-runs/<str:token>/copy/",
        "verify/<str:code>/",
        "vouch/<int:pk>/<str:token>/",
        "vouch/<int:pk>/<str:token>/erase/",
        "vouch/<int:pk>/<str:token>/withdraw/",
    ]


@pytest.mark.parametrize("route", secret_routes(), ids=lambda route: route.name)
def test_the_secret_of_a_path_is_masked_and_its_row_is_not(route: Route) -> None:
    path = fill(route, SECRET)
    masked = path.partition(SECRET)[0] + "[masked]"

    assert mask_secrets(f"Not Found: {path}") == f"Not Found: {masked}"
    assert mask_secrets(f'1.2.3.4 - "GET {path} HTTP/1.1" 404') == (
        f'1.2.3.4 - "GET {masked} HTTP/1.1" 404'
    )


def test_query_strings_are_masked_and_other_text_is_not() -> None:
    callback = "url: /account/orcid/login/callback/?code=abc&state=xyz (Caused by a timeout)"

    assert mask_secrets(callback) == (
        "url: /account/orcid/login/callback/?[masked] (Caused by a timeout)"
    )
    for text in ("Not Found: /models/opt-175b/", "What? Nothing.", "/v1/files/file-7/content"):
        assert mask_secrets(text) == text


@pytest.mark.slow
@pytest.mark.django_db(transaction=True)
def test_no_log_trace_metric_or_event_holds_a_secret(
    valkey: redis.Redis, written: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Every route with a secret, requested in ways that the site refuses."""
    spans = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(spans))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("gatehouse"))
    paths = [path for route in secret_routes() for path in variants(fill(route, SECRET))]

    async def drive() -> list[int]:
        # The links' rate limit would refuse most of them without a look.
        async with serve() as site, httpx2.AsyncClient(base_url=site) as client:
            statuses = []
            for path in paths:
                valkey.flushall()
                for method in ("GET", "POST"):
                    answer = await client.request(method, path, content=b"")
                    statuses.append(answer.status_code)
            return statuses

    statuses = asyncio.run(drive())

    refused = [status for status in statuses if status >= 400]
    assert len(refused) > len(paths)
    assert {403, 404, 405} <= set(refused)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    by_logger = {line["logger"] for line in lines}
    assert by_logger >= {"django.request", "django.security.csrf", "uvicorn.access"}
    assert len([line for line in lines if line["logger"] == "uvicorn.access"]) == len(statuses)
    texts = {
        "log": written.getvalue(),
        "spans": "".join(span.to_json() for span in spans.get_finished_spans()),
        "metrics": render_processes().decode(),
        "audit": str(list(AuditEvent.objects.values())),
        "admin": str(list(LogEntry.objects.values())),
    }
    assert len(spans.get_finished_spans()) == len(statuses)
    for name, text in texts.items():
        for half in HALVES:
            assert (name, text.upper().count(half.upper())) == (name, 0)


def test_a_request_in_a_field_and_an_exception_are_masked(written: io.StringIO) -> None:
    log = structlog.get_logger("test")
    path = f"/vouch/7/{SECRET}/"

    class Request:
        def __repr__(self) -> str:
            return f"<WSGIRequest: GET '{path}'>"

    log.error("broke", exc_info=ValueError(path), request=Request(), deep={"paths": [path]})

    assert written.getvalue().count(SECRET) == 0
    (line,) = written.getvalue().splitlines()
    assert json.loads(line)["deep"] == {"paths": ["/vouch/7/[masked]"]}


def test_what_a_sign_in_elsewhere_sends_is_masked_when_it_fails(written: io.StringIO) -> None:
    """Its error quotes the requested address, with the code in it."""
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        port = closed.getsockname()[1]
        with pytest.raises(RequestException) as caught:
            Session().get(f"http://127.0.0.1:{port}/oauth/token?code={SECRET}")
    assert SECRET in str(caught.value)

    structlog.get_logger("test").warning("sign_in_elsewhere_failed", error=str(caught.value))

    assert written.getvalue().count(SECRET) == 0
