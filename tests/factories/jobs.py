"""Runs and researchers for tests, and a worker that writes what a real one would."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import factory
import redis
from django.utils import timezone

from inference_workers.contract import (
    HEARTBEAT_TTL_SECONDS,
    LEASE_SECONDS,
    WORKERS_KEY,
    Delta,
    Done,
    EngineState,
    Event,
    FinishReason,
    Heartbeat,
    JobOutcome,
    JobStarted,
    SamplingParams,
    Started,
    TerminalEvent,
    Usage,
    end_key,
    lease_key,
    stream_key,
    worker_key,
)
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.enums import JobState, Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.catalog import HostedModelFactory
from tests.factories.licensing import SignatureFactory


def make_researcher(model: HostedModel | None = None) -> tuple[User, HostedModel]:
    """A person with access to the model in the playground, and the model."""
    model = model or HostedModelFactory.create()
    user = UserFactory.create()
    SignatureFactory.create(user=user, version=model.release.licence.versions.get())
    GrantFactory.create(user=user, model=model)
    return user, model


class GenerationJobFactory(factory.django.DjangoModelFactory[GenerationJob]):
    """A queued job; `running=True`, `succeeded=True`, `failed=True` or `cancelled=True`."""

    class Meta:
        model = GenerationJob

    class Params:
        held_back = factory.Trait(sent_at=None)
        running = factory.Trait(
            state=JobState.RUNNING,
            worker="worker-1",
            prompt_tokens=3,
            started_at=factory.LazyFunction(timezone.now),
            deadline_at=factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=15)),
        )
        ended = factory.Trait(
            prompt_tokens=3,
            completion_tokens=2,
            started_at=factory.LazyFunction(timezone.now),
            finished_at=factory.LazyFunction(timezone.now),
            text=" and on",
            token_ids=[7, 8],
        )
        succeeded = factory.Trait(ended=True, state=JobState.SUCCEEDED, finish_reason="stop")
        failed = factory.Trait(ended=True, state=JobState.FAILED, failure_code="engine_error")
        cancelled = factory.Trait(
            ended=True, state=JobState.CANCELLED, cancel_reason="user", freed_ms=40
        )

    user = factory.SubFactory(UserFactory)
    model = factory.SubFactory(HostedModelFactory)
    deployment = factory.SelfAttribute("model.deployment")
    origin = Origin.PLAYGROUND
    prompt = "Once upon a time"
    params = factory.LazyFunction(lambda: SamplingParams(max_tokens=16).model_dump(mode="json"))
    created_at = factory.LazyFunction(timezone.now)
    deadline_at = factory.LazyFunction(lambda: timezone.now() + timedelta(minutes=30))
    sent_at = factory.SelfAttribute("created_at")


@dataclass
class FakeWorker:
    """Writes one job's stream and messages by the contract, step by step."""

    client: redis.Redis
    job_id: UUID
    name: str = "worker-1"
    attempt: int = 1
    text: str = ""
    token_ids: list[int] = field(default_factory=list)

    def lease(self) -> None:
        self.client.set(lease_key(self.job_id), self.name, ex=LEASE_SECONDS)

    def lose_lease(self) -> None:
        self.client.delete(lease_key(self.job_id))

    def write(self, event: Event) -> str:
        return str(self.client.xadd(stream_key(self.job_id), {"e": event.model_dump_json()}))

    def start(self) -> str:
        self.lease()
        return self.write(Started(worker=self.name, attempt=self.attempt, prompt_tokens=3))

    def stream(self, *words: str) -> str:
        """Write one delta of one token for each word, and return the last entry's id."""
        entry = ""
        for word in words:
            token = 100 + len(self.token_ids)
            entry = self.write(Delta(offset=len(self.token_ids), text=word, token_ids=(token,)))
            self.text += word
            self.token_ids.append(token)
        return entry

    def end(self, event: TerminalEvent | None = None) -> TerminalEvent:
        end = event or Done(finish_reason=FinishReason.STOP, usage=self.usage)
        self.client.set(end_key(self.job_id), self.name)
        self.write(end)
        return end

    @property
    def usage(self) -> Usage:
        return Usage(prompt_tokens=3, completion_tokens=len(self.token_ids))

    def started_message(self) -> JobStarted:
        return JobStarted(
            job_id=self.job_id,
            worker=self.name,
            attempt=self.attempt,
            started_at=datetime.now(UTC),
            prompt_tokens=3,
        )

    def outcome(self, end: TerminalEvent | None = None) -> JobOutcome:
        return JobOutcome(
            job_id=self.job_id,
            worker=self.name,
            attempt=self.attempt,
            finished_at=datetime.now(UTC),
            end=end or Done(finish_reason=FinishReason.STOP, usage=self.usage),
            text=self.text,
            token_ids=tuple(self.token_ids),
            usage=self.usage,
            first_token_ms=120,
        )


def beat(client: redis.Redis, *, worker: str = "worker-1", **changes: Any) -> Heartbeat:
    """One heartbeat of a worker of smollm2-135m, as a worker sends it."""
    now = datetime.now(UTC)
    values: dict[str, Any] = {
        "worker": worker,
        "deployment": "smollm2-135m",
        "model": "smollm2-135m",
        "engine": EngineState.READY,
        "engine_since": now,
        "tensor_parallel_size": 1,
        "max_num_seqs": 4,
        "max_model_len": 2048,
        "running": 0,
        "waiting": 0,
        "started_at": now,
        "sent_at": now,
        **changes,
    }
    heartbeat = Heartbeat.model_validate(values)
    client.set(worker_key(worker), heartbeat.model_dump_json(), ex=HEARTBEAT_TTL_SECONDS)
    client.zadd(WORKERS_KEY, {worker: now.timestamp() + HEARTBEAT_TTL_SECONDS})
    return heartbeat
