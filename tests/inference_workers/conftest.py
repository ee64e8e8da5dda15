"""A worker with a scripted engine, on a real Valkey, inside the test's own event loop."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
import redis as redis_sync
from redis.asyncio import Redis

from inference_workers.broker.connections import connect
from inference_workers.broker.history import read_entries, read_history
from inference_workers.config import WorkerSettings
from inference_workers.contract import (
    TASK_RECORD_OUTCOME,
    Event,
    GenerationRequest,
    JobOutcome,
    Message,
    SamplingParams,
    recorded_key,
)
from inference_workers.deployments import Deployment
from inference_workers.engines.scripted import ALPHABET, END_OF_PROMPT, ScriptedEngine
from inference_workers.worker import Worker
from tests.plugin import running_valkey

MODELS_FILE = Path(__file__).with_name("models.toml")


@pytest.fixture
def valkey_url() -> str:
    """The test process's Valkey, empty and running, whatever the previous test did to it."""
    server = running_valkey()
    if server._process is None:
        server.start(wipe=True)
    with redis_sync.Redis.from_url(server.url) as client:
        client.flushall()
    return server.url


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with connect(valkey_url) as client:
        yield client


@pytest.fixture
def worker_settings(valkey_url: str, tmp_path: Path) -> WorkerSettings:
    values = {
        "redis_url": valkey_url,
        "deployment": "scripted",
        "models_file": MODELS_FILE,
        "engine_dir": tmp_path / "engines",
        "weights_dir": tmp_path / "weights",
    }
    return WorkerSettings.model_validate(values)


@pytest.fixture
def deployment(worker_settings: WorkerSettings) -> Deployment:
    return worker_settings.load_deployment()


class FakePortal:
    """Receives the worker's messages; records outcomes immediately unless told not to."""

    def __init__(self, url: str) -> None:
        self.messages: list[tuple[str, Message]] = []
        self.is_recording = True
        self._redis = redis_sync.Redis.from_url(url)

    def send(self, task: str, message: Message) -> None:
        self.messages.append((task, message))
        if isinstance(message, JobOutcome) and self.is_recording:
            self._redis.set(recorded_key(message.job_id), "1")

    def outcomes(self, job_id: UUID) -> list[JobOutcome]:
        return [
            message
            for task, message in self.messages
            if task == TASK_RECORD_OUTCOME
            and isinstance(message, JobOutcome)
            and message.job_id == job_id
        ]

    def close(self) -> None:
        self._redis.close()


@pytest.fixture
async def portal(valkey_url: str) -> AsyncIterator[FakePortal]:
    portal = FakePortal(valkey_url)
    yield portal
    portal.close()


StartWorker = Callable[..., Any]


@pytest.fixture
async def start_worker(
    worker_settings: WorkerSettings, deployment: Deployment, portal: FakePortal
) -> AsyncIterator[StartWorker]:
    """Start workers that share one Valkey and, unless given, one scripted engine."""
    shared_engine = ScriptedEngine()
    async with AsyncExitStack() as stack:

        async def start(engine: ScriptedEngine = shared_engine, **changes: Any) -> Worker:
            worker = Worker(
                worker_settings,
                deployment.model_copy(update=changes),
                send=portal.send,
                engine=engine,
            )
            await worker.start()
            stack.push_async_callback(worker.close)
            if engine.is_up:
                # Until its first probe a worker leaves its jobs to a worker that is ready.
                await worker.monitor.wait_until_ready()
            return worker

        yield start


def make_request(
    prompt: str = "Once", *, seconds: float = 60.0, **values: Any
) -> GenerationRequest:
    sampling = {"max_tokens": 40, "temperature": 0.0, **values.pop("sampling", {})}
    return GenerationRequest.model_validate(
        {
            "job_id": uuid4(),
            "deployment": "scripted",
            "prompt": prompt,
            "sampling": SamplingParams.model_validate(sampling),
            "deadline_at": datetime.now(UTC) + timedelta(seconds=seconds),
            **values,
        }
    )


def expected_text(prompt: str, tokens: int) -> str:
    """The scripted engine's text, without an unfinished character at the end."""
    letters = ALPHABET.encode()
    start = len(prompt.encode())
    raw = bytes(letters[(start + index) % len(letters)] for index in range(tokens))
    return raw.decode(errors="ignore")


def prompt_tokens(prompt: str) -> int:
    return len([*prompt.encode(), END_OF_PROMPT])


async def read_events(redis: Redis, job_id: UUID) -> list[Event]:
    return [event for _, event in await read_entries(redis, job_id, after="")]


async def wait_until(condition: Callable[[], Any], *, seconds: float = 10.0) -> None:
    """Wait for a condition, which can be a coroutine function; fails if it does not come true."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        value = condition()
        if asyncio.iscoroutine(value):
            value = await value
        if value:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"did not happen within {seconds} s")


async def wait_for_tokens(redis: Redis, job_id: UUID, count: int, *, seconds: float = 10.0) -> None:
    async def has_enough() -> bool:
        return len((await read_history(redis, job_id)).token_ids) >= count

    await wait_until(has_enough, seconds=seconds)
