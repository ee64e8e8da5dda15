"""Messages to the workers. The record is the database: the reaper repeats lost messages."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

import redis
import structlog
from celery import current_app
from django.conf import settings
from kombu import Producer
from kombu.exceptions import OperationalError

from inference_workers.contract import (
    STREAM_TTL_SECONDS,
    TASK_GENERATE,
    CancelReason,
    ControlMessage,
    GenerationRequest,
    SamplingParams,
    cancel_key,
    control_channel,
    queue_for,
)
from portal.lab.jobs.enums import ENGINE_PRIORITIES, JobClass
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.each import do_each
from portal.platform.core.redis import sync_redis
from portal.platform.core.tracing import annotate_span
from tracing import trace_headers

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Outgoing:
    """A job to be sent."""

    job: GenerationJob
    headers: Mapping[str, str]
    """W3C headers of its trace."""


def send_generation(job: GenerationJob) -> None:
    """Send one job, as `send_generations` does."""
    annotate_span(job_id=str(job.id), deployment=job.deployment, attempt=job.attempt)
    send_generations([Outgoing(job, trace_headers())])


def send_generations(messages: Sequence[Outgoing]) -> None:
    """Send the jobs to their deployments' queues, in order and in one batch.

    If the broker is down, that is logged, not raised.
    """
    if not messages:
        return
    try:
        with current_app.producer_or_acquire() as producer, producer.batch():
            do_each(
                messages,
                lambda each: _send(each.job, headers=each.headers, producer=producer),
                doing="send_generation",
            )
    except (OperationalError, redis.RedisError, OSError) as error:
        ids = [str(message.job.id) for message in messages]
        log.warning("generations_not_sent", job_ids=ids, error=type(error).__name__)


def _send(job: GenerationJob, *, headers: Mapping[str, str], producer: Producer) -> None:
    request = GenerationRequest(
        job_id=job.id,
        deployment=job.deployment,
        prompt="" if job.prompt_token_ids else job.prompt,
        prompt_token_ids=tuple(job.prompt_token_ids),
        positions=tuple(job.positions),
        sampling=SamplingParams.model_validate(job.params),
        attempt=job.attempt,
        priority=ENGINE_PRIORITIES[JobClass(job.job_class)],
        # The portal ends a run on time; at this moment even a lost run must stop.
        deadline_at=job.deadline_at + timedelta(seconds=settings.RUN_DEADLINE_SECONDS),
    )
    current_app.send_task(
        TASK_GENERATE,
        args=[request.model_dump(mode="json")],
        queue=queue_for(job.deployment),
        task_id=message_id(job.id, job.attempt),
        # Otherwise Celery would write the arguments, with the prompt, for its logs.
        argsrepr=f"({job.id})",
        kwargsrepr="{}",
        # Not a field of the message: an older worker would refuse it.
        headers=dict(headers),
        producer=producer,
        ignore_result=True,
        retry=False,
    )


def message_id(job_id: UUID, attempt: int) -> str:
    """The Celery id of the message that carries this attempt of the job."""
    return f"{job_id}:{attempt}"


def signal_cancels(jobs: Sequence[GenerationJob], *, reason: CancelReason) -> None:
    """Ask the workers that have the jobs to stop them, in order and in one round trip.

    The keys persist; the messages are faster.
    """
    try:
        pipeline = sync_redis().pipeline(transaction=False)
        for job in jobs:
            message = ControlMessage(job_id=job.pk).model_dump_json()
            pipeline.set(cancel_key(job.pk), reason.value, ex=STREAM_TTL_SECONDS)
            pipeline.publish(control_channel(job.deployment), message)
        pipeline.execute()
    except redis.RedisError as error:
        ids = [str(job.pk) for job in jobs]
        log.warning("cancels_not_signalled", job_ids=ids, error=type(error).__name__)
