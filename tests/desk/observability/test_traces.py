"""One trace from the request to the worker, with nothing private in it."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import redis
from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.test import Client
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import format_span_id, format_trace_id

import tracing
from inference_workers.config import WorkerSettings
from inference_workers.contract import GenerationRequest, SamplingParams
from inference_workers.deployments import Deployment
from inference_workers.worker import Worker
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.submission import submit_job
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from portal.platform.core.tracing import RequestTraceMiddleware
from tests.factories.catalog import HostedModelFactory
from tests.factories.jobs import beat, make_researcher
from tests.lab.jobs.conftest import queued_messages
from tests.plugin import running_valkey

pytestmark = pytest.mark.django_db(transaction=True)
CREATE = "/playground/runs/"
JSON = {"Accept": "application/json"}
SECRET = "a-very-secret-prompt"
DEPLOYMENT = Deployment(slug="smollm2-135m", engine="scripted", max_model_len=2048)


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> Iterator[InMemorySpanExporter]:
    """What both sides would send to a collector."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(tracing, "tracer", provider.get_tracer("gatehouse"))
    yield exporter
    provider.shutdown()


def submit(client: Client, valkey: redis.Redis) -> dict[str, Any]:
    """Run a prompt as a researcher, and return the message that waits in the queue."""
    user, model = make_researcher()
    client.force_login(user)
    beat(valkey)
    fields = {
        "model": model.slug,
        "prompt": SECRET,
        "max_tokens": "16",
        "temperature": "0.7",
        "top_p": "1",
        "top_k": "0",
        "presence_penalty": "0",
        "frequency_penalty": "0",
        "stop": "",
        "seed": "",
    }
    response = client.post(CREATE, fields, headers=JSON)
    assert response.status_code == 201
    (message,) = queued_messages(valkey)
    return message


async def run_in_worker(message: dict[str, Any], folder: Path) -> None:
    """What the worker's task does with the message."""
    args, _, _ = json.loads(base64.b64decode(message["body"]))
    settings = WorkerSettings.model_validate(
        {
            "redis_url": running_valkey().url,
            "deployment": DEPLOYMENT.slug,
            "engine_dir": folder / "engines",
            "weights_dir": folder / "weights",
        }
    )
    worker = Worker(settings, DEPLOYMENT, send=lambda _task, _message: None)
    await worker.start()
    request = GenerationRequest.model_validate(args[0])
    traceparent = message["headers"].get(tracing.TRACEPARENT, "")
    await worker.run_job(request, traceparent=traceparent)
    await worker.close()


def by_name(spans: InMemorySpanExporter) -> dict[str, ReadableSpan]:
    return {span.name: span for span in spans.get_finished_spans()}


def test_one_trace_leads_from_the_request_to_the_worker(
    client: Client, valkey: redis.Redis, spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    message = submit(client, valkey)
    asyncio.run(run_in_worker(message, tmp_path))

    found = by_name(spans)

    assert list(found) == ["submit job", "POST playground:create", "run job"]
    request, accepted, ran = (
        found[name] for name in ("POST playground:create", "submit job", "run job")
    )
    assert request.parent is None
    assert accepted.parent == request.context
    assert ran.parent is not None
    assert accepted.context is not None
    assert ran.parent.span_id == accepted.context.span_id
    traces = {format_trace_id(span.context.trace_id) for span in found.values() if span.context}
    assert len(traces) == 1
    job = GenerationJob.objects.get()
    assert accepted.attributes == {
        "gatehouse.job_id": str(job.pk),
        "gatehouse.deployment": "smollm2-135m",
        "gatehouse.attempt": 1,
    }
    assert request.attributes == {
        "http.request.method": "POST",
        "http.route": "playground:create",
        "http.response.status_code": 201,
    }


def test_runs_that_are_accepted_together_stay_in_their_own_traces(
    valkey: redis.Redis, spans: InMemorySpanExporter
) -> None:
    beat(valkey)
    people = [
        make_researcher(HostedModelFactory.create(deployment="smollm2-135m")) for _ in range(4)
    ]

    def submit_one(person: tuple[User, HostedModel]) -> None:
        user, model = person
        try:
            submit_job(
                user, model=model, prompt=SECRET, sampling=SamplingParams(max_tokens=16),
                origin=Origin.PLAYGROUND,
            )  # fmt: skip
        finally:
            connection.close()

    with ThreadPoolExecutor(len(people)) as pool:
        list(pool.map(submit_one, people))

    accepted = {
        str((span.attributes or {})["gatehouse.job_id"]): span.context
        for span in spans.get_finished_spans()
    }
    sent = {
        message["headers"]["id"].partition(":")[0]: message["headers"]["traceparent"].split("-")
        for message in queued_messages(valkey)
    }
    assert len(sent) == len(people)
    assert {job: (trace, span) for job, (_, trace, span, _) in sent.items()} == {
        job: (format_trace_id(context.trace_id), format_span_id(context.span_id))
        for job, context in accepted.items()
        if context
    }


def test_no_prompt_and_no_person_is_in_a_span(
    client: Client, valkey: redis.Redis, spans: InMemorySpanExporter, tmp_path: Path
) -> None:
    message = submit(client, valkey)
    asyncio.run(run_in_worker(message, tmp_path))
    client.get(f"/admin/accounts/user/?q={SECRET}@example.org")

    text = "".join(span.to_json() for span in spans.get_finished_spans())

    email = GenerationJob.objects.get().user.email
    assert [private for private in (SECRET, email, "@") if private in text] == []


def test_the_message_itself_knows_nothing_of_traces(
    client: Client, valkey: redis.Redis, spans: InMemorySpanExporter
) -> None:
    message = submit(client, valkey)

    args, _, _ = json.loads(base64.b64decode(message["body"]))
    assert set(args[0]) == set(GenerationRequest.model_fields)
    span = by_name(spans)["submit job"].context
    assert span is not None
    version, trace_id, span_id, flags = message["headers"]["traceparent"].split("-")
    assert (version, trace_id, span_id) == (
        "00",
        format_trace_id(span.trace_id),
        format_span_id(span.span_id),
    )
    assert int(flags, 16) & 1 == 1


def test_without_an_exporter_the_message_carries_no_trace(
    client: Client, valkey: redis.Redis
) -> None:
    assert "traceparent" not in submit(client, valkey)["headers"]


@pytest.mark.usefixtures("valkey")
def test_a_trace_that_a_client_brings_is_not_taken_up(
    client: Client, spans: InMemorySpanExporter
) -> None:
    brought = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    client.get("/healthz", headers={"traceparent": brought})

    (span,) = spans.get_finished_spans()
    assert span.parent is None
    assert span.name == "GET healthz"


def test_what_breaks_is_marked_without_its_text(spans: InMemorySpanExporter) -> None:
    def answer(_request: HttpRequest) -> Any:
        return HttpResponse(status=500)

    request = HttpRequest()
    request.method = "GET"
    RequestTraceMiddleware(answer)(request)

    (span,) = spans.get_finished_spans()
    assert (span.status.is_ok, span.status.description, span.events) == (False, None, ())
