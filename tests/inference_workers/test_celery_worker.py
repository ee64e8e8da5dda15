"""The real command, the real broker, the real threads pool; only the engine is scripted."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import cast
from uuid import UUID

import pytest
import redis as redis_sync
from celery import Celery

from inference_workers.broker.history import fold
from inference_workers.contract import (
    EVENT,
    QUEUE_PORTAL,
    TASK_GENERATE,
    TASK_RECORD_OUTCOME,
    WORKERS_KEY,
    Cancelled,
    CancelReason,
    Done,
    Event,
    GenerationRequest,
    JobOutcome,
    cancel_key,
    lease_key,
    queue_for,
    recorded_key,
    stream_key,
    worker_key,
)
from tests.inference_workers.conftest import MODELS_FILE, expected_text, make_request
from tests.plugin import running_valkey

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


def wait_for(condition: Callable[[], object], *, seconds: float = 30.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


class Site:
    """A broker, the portal's side of it, and the workers started against it."""

    def __init__(self, url: str, folder: Path) -> None:
        self.url = url
        self.folder = folder
        self.client = redis_sync.Redis.from_url(url, decode_responses=True)
        broker = url.replace("unix://", "redis+socket://")
        self.app = Celery("portal", broker=broker, set_as_current=False)
        self.workers: list[subprocess.Popen[str]] = []
        self.env = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": url,
            "DEPLOYMENT": "scripted",
            "MODELS_FILE": str(MODELS_FILE),
            "ENGINE_DIR": str(folder / "engines"),
            "WEIGHTS_DIR": str(folder / "weights"),
            "LOG_FORMAT": "console",
            "SHUTDOWN_GRACE_SECONDS": "1",
        }

    def heard_of(self) -> list[str]:
        """The workers that have sent a heartbeat."""
        return cast("list[str]", self.client.zrange(WORKERS_KEY, 0, -1))

    def run_worker(self, *arguments: str) -> subprocess.Popen[str]:
        """Start the ordinary command; its output goes to a file named after its order."""
        command = [sys.executable, "-m", "celery", "-A", "inference_workers", "worker"]
        with self.log(len(self.workers)).open("w") as log:
            worker = subprocess.Popen(
                [*command, *arguments],
                cwd=ROOT,
                env=self.env,
                stdout=log,
                stderr=subprocess.STDOUT,
                text=True,
            )
        self.workers.append(worker)
        return worker

    def log(self, number: int) -> Path:
        return self.folder / f"worker-{number}.log"

    def start_worker(self) -> subprocess.Popen[str]:
        number = len(self.workers)
        worker = self.run_worker("--without-mingle", "--without-gossip")
        wait_for(lambda: " ready." in self.log(number).read_text())
        return worker

    def submit(self, request: GenerationRequest, **headers: str) -> None:
        payload = request.model_dump(mode="json")
        queue = queue_for("scripted")
        self.app.send_task(TASK_GENERATE, args=[payload], queue=queue, headers=headers)

    def events(self, job_id: UUID) -> list[Event]:
        entries = self.client.xrange(stream_key(job_id))
        return [EVENT.validate_json(fields["e"]) for _, fields in entries]  # type: ignore[union-attr]

    def text(self, job_id: UUID) -> str:
        history = fold([("0", event) for event in self.events(job_id)])
        assert history.is_whole
        return history.text

    def ended(self, job_id: UUID) -> bool:
        return any(event.type in ("done", "failed", "cancelled") for event in self.events(job_id))

    def take_outcomes(self) -> list[JobOutcome]:
        """The messages for the portal's worker, marked as recorded."""
        found = []
        while (raw := self.client.rpop(QUEUE_PORTAL)) is not None:
            message = json.loads(str(raw))
            if message["headers"]["task"] == TASK_RECORD_OUTCOME:
                [payload], _, _ = json.loads(base64.b64decode(message["body"]))
                outcome = JobOutcome.model_validate(payload)
                self.client.set(recorded_key(outcome.job_id), "1")
                found.append(outcome)
        return found

    def close(self) -> None:
        for worker in self.workers:
            worker.kill()
            worker.wait()
        self.client.close()
        self.app.close()


@pytest.fixture
def site(valkey_url: str, tmp_path: Path) -> Iterator[Site]:
    site = Site(valkey_url, tmp_path)
    yield site
    site.close()


def test_jobs_are_streamed_side_by_side_and_their_outcomes_sent(site: Site) -> None:
    site.start_worker()
    prompts = [f"[delay=0.1]{number}" for number in range(8)]
    requests = [make_request(prompt) for prompt in prompts]
    for request in requests:
        site.submit(request)
    # All have begun before the first one ends.
    wait_for(lambda: all(site.events(request.job_id) for request in requests))
    assert not any(site.ended(request.job_id) for request in requests)
    wait_for(lambda: all(site.ended(request.job_id) for request in requests))
    for prompt, request in zip(prompts, requests, strict=True):
        assert site.text(request.job_id) == expected_text(prompt, 40)
    outcomes: dict[UUID, JobOutcome] = {}

    def all_sent() -> bool:
        outcomes.update({outcome.job_id: outcome for outcome in site.take_outcomes()})
        return len(outcomes) == len(requests)

    wait_for(all_sent)
    assert {outcomes[request.job_id].text for request in requests} == {
        site.text(request.job_id) for request in requests
    }
    assert site.client.llen(queue_for("scripted")) == 0


def test_same_message_twice_runs_once(site: Site) -> None:
    request = make_request("[delay=0.01]x")
    site.submit(request)
    site.submit(request)
    site.start_worker()
    wait_for(lambda: site.ended(request.job_id))

    wait_for(lambda: site.client.hlen("unacked") == 0)
    types = [event.type for event in site.events(request.job_id)]
    assert (types.count("started"), types.count("done")) == (1, 1)


def test_stop_reaches_a_running_job(site: Site) -> None:
    site.start_worker()
    request = make_request("[hang=3]x")
    site.submit(request)
    wait_for(lambda: len(site.events(request.job_id)) > 1)

    site.client.set(cancel_key(request.job_id), CancelReason.USER.value)
    wait_for(lambda: site.ended(request.job_id))

    assert isinstance(site.events(request.job_id)[-1], Cancelled)


def test_killed_worker_leaves_its_job_to_the_next(site: Site) -> None:
    first = site.start_worker()
    prompt = "[delay=0.02]x"
    request = make_request(prompt, sampling={"max_tokens": 100})
    site.submit(request)
    wait_for(lambda: len(site.events(request.job_id)) > 10)
    first.kill()
    first.wait()
    # The reaper's part: the lease expires, and the job is sent again.
    site.client.delete(lease_key(request.job_id))
    site.submit(request.model_copy(update={"attempt": 2}))

    site.start_worker()
    wait_for(lambda: site.ended(request.job_id))

    assert site.text(request.job_id) == expected_text(prompt, 100)
    started = [event for event in site.events(request.job_id) if event.type == "started"]
    assert len(started) == 2


def test_worker_told_to_stop_hands_its_job_over(site: Site) -> None:
    first = site.start_worker()
    prompt = "[delay=0.02]x"
    request = make_request(prompt, sampling={"max_tokens": 150})
    site.submit(request)
    wait_for(lambda: len(site.events(request.job_id)) > 10)

    first.send_signal(signal.SIGTERM)

    assert first.wait(15) == 0
    assert not site.ended(request.job_id)
    assert site.client.exists(lease_key(request.job_id)) == 0
    assert site.client.zcard(WORKERS_KEY) == 0
    site.start_worker()
    wait_for(lambda: site.ended(request.job_id))
    assert site.text(request.job_id) == expected_text(prompt, 150)


def test_worker_told_to_stop_lets_a_short_job_finish(site: Site) -> None:
    site.env["SHUTDOWN_GRACE_SECONDS"] = "10"
    worker = site.start_worker()
    request = make_request("[delay=0.02]x", sampling={"max_tokens": 60})
    site.submit(request)
    wait_for(lambda: len(site.events(request.job_id)) > 5)

    worker.send_signal(signal.SIGTERM)

    assert worker.wait(15) == 0
    assert isinstance(site.events(request.job_id)[-1], Done)


def test_killed_broker_costs_no_job(site: Site) -> None:
    server = running_valkey()
    site.start_worker()
    prompt = "[delay=0.02]x"
    request = make_request(prompt, sampling={"max_tokens": 150})
    site.submit(request)
    wait_for(lambda: len(site.events(request.job_id)) > 10)
    server.kill()
    server.start(wipe=True)
    wait_for(lambda: site.ended(request.job_id))
    assert site.text(request.job_id) == expected_text(prompt, 150)

    # And the worker takes new jobs from the empty broker.
    second = make_request("after")
    site.submit(second)
    wait_for(lambda: site.ended(second.job_id))
    wait_for(lambda: {outcome.job_id for outcome in site.take_outcomes()})


def test_message_of_another_version_is_dropped_without_its_prompt_in_the_log(site: Site) -> None:
    site.start_worker()
    request = make_request("a secret prompt")
    payload = {**request.model_dump(mode="json"), "v": 2}
    site.app.send_task(TASK_GENERATE, args=[payload], queue=queue_for("scripted"))
    site.submit(good := make_request("another secret prompt"))
    wait_for(lambda: site.ended(good.job_id))

    assert site.events(request.job_id) == []
    log = site.log(0).read_text()
    assert log.count("request_not_understood") == 1
    assert "secret" not in log


def test_heartbeat_is_there_soon_after_the_start(site: Site) -> None:
    site.start_worker()

    wait_for(lambda: site.client.zcard(WORKERS_KEY) == 1)
    [worker] = site.heard_of()
    assert site.client.exists(worker_key(worker)) == 1


def test_another_deployment_serves_the_same_queue(site: Site) -> None:
    site.env["DEPLOYMENT"] = "scripted-too"
    site.start_worker()
    request = make_request("Once")

    site.submit(request)

    wait_for(lambda: site.ended(request.job_id))
    assert site.text(request.job_id) == expected_text("Once", 40)
    [worker] = site.heard_of()
    heartbeat = json.loads(str(site.client.get(worker_key(worker))))
    assert heartbeat["deployment"] == "scripted"
    assert worker.startswith("scripted-too@")


@pytest.mark.parametrize(
    ("change", "arguments", "line"),
    [
        ({"REDIS_URL": ""}, (), "REDIS_URL is not set"),
        ({"DEPLOYMENT": ""}, (), "DEPLOYMENT is not set"),
        (
            {"DEPLOYMENT": "none"},
            (),
            (
                f"DEPLOYMENT: 'none' is not in {MODELS_FILE} (known: fake-external, fake-nodes, "
                "fake-replicas, fake-vllm, fake-vllm-on-cpu, scripted, scripted-too)"
            ),
        ),
        (
            {},
            ("--pool", "solo"),
            "--pool must be threads, not celery.concurrency.solo.TaskPool",
        ),
        (
            {},
            ("--queues", "gen.other"),
            "--queues must be gen.scripted, the queue of DEPLOYMENT=scripted, not gen.other",
        ),
        (
            {},
            ("--queues", "gen.scripted,portal"),
            (
                "--queues must be gen.scripted, the queue of DEPLOYMENT=scripted, "
                "not gen.scripted, portal"
            ),
        ),
    ],
)
def test_wrong_configuration_is_one_line(
    site: Site, change: dict[str, str], arguments: tuple[str, ...], line: str
) -> None:
    site.env |= change

    assert site.run_worker(*arguments).wait(20) == 2
    assert site.log(0).read_text() == f"inference_workers: {line}\n"


@pytest.mark.parametrize(
    "arguments", [(), ("--pool", "threads"), ("--queues", "gen.scripted", "--concurrency", "2")]
)
def test_right_configuration_starts(site: Site, arguments: tuple[str, ...]) -> None:
    site.run_worker("--without-mingle", *arguments)

    wait_for(lambda: " ready." in site.log(0).read_text())
