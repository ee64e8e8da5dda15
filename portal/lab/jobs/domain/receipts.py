"""A run's request, result and provenance: enough to repeat it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from inference_workers.contract import FailureCode
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.wording import describe_failure
from portal.platform.accounts.models import User


def find_own_job(user: User, job_id: UUID) -> GenerationJob | None:
    """The person's run with its call and model, or None."""
    return (
        GenerationJob.objects.filter(user=user, erased_at__isnull=True, pk=job_id)
        .select_related("model__release__licence", "call")
        .first()
    )


def write_receipt(job: GenerationJob) -> dict[str, Any]:
    """All of the run that its owner may read."""
    failure = FailureCode(job.failure_code) if job.failure_code else None
    return {
        "id": str(job.pk),
        "object": "job",
        "call_id": str(job.call_id) if job.call_id else None,
        "index": job.call_index,
        "endpoint": job.call.endpoint if job.call else None,
        "model": job.model.slug,
        "state": job.state,
        "class": job.job_class,
        "attempts": job.attempt,
        "created_at": job.created_at.isoformat(),
        "started_at": job.started_at.isoformat() if job.started_at else None,
        "finished_at": job.finished_at.isoformat() if job.finished_at else None,
        "queue_ms": _milliseconds(job),
        "first_token_ms": job.first_token_ms,
        "request": job.call.request if job.call else None,
        "sampling": job.params,
        "positions": job.positions,
        "prompt": job.prompt,
        "prompt_token_ids": job.prompt_token_ids,
        "text": job.text,
        "token_ids": job.token_ids,
        "logprobs": job.logprobs,
        "prompt_logprobs": job.prompt_logprobs,
        "finish_reason": job.finish_reason or None,
        "error": {"code": failure.value, "message": describe_failure(failure)} if failure else None,
        "usage": {
            "prompt_tokens": job.prompt_tokens,
            "completion_tokens": job.completion_tokens,
        },
        "provenance": job.provenance,
    }


@dataclass(frozen=True)
class Difference:
    """The first difference between two runs."""

    index: int
    was: int | None
    """None if that run had ended."""
    now: int | None


def find_difference(was: Sequence[int], now: Sequence[int]) -> Difference | None:
    """The first token that differs; None if all are equal."""
    for index, (before, after) in enumerate(zip(was, now, strict=False)):
        if before != after:
            return Difference(index, before, after)
    if len(was) == len(now):
        return None
    index = min(len(was), len(now))
    return Difference(
        index,
        was[index] if index < len(was) else None,
        now[index] if index < len(now) else None,
    )


def _milliseconds(job: GenerationJob) -> int | None:
    if job.started_at is None:
        return None
    return max(0, round((job.started_at - job.created_at).total_seconds() * 1000))
