"""Requests to the API: runs accepted together, and found again when a client repeats a request."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.jobs.domain.acceptance import Offer, accept
from portal.lab.jobs.domain.admission import Run, require_access, reserve_for
from portal.lab.jobs.domain.answered import was_answered
from portal.lab.jobs.domain.submission import build_job
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import JobClass, JobState, Origin
from portal.lab.jobs.models import Call, GenerationJob
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import invalid_value
from portal.platform.core.idempotency import require_same_request
from portal.platform.core.tracing import submit_span

RUNS_PER_CALL: Final = 512
REPEATED_WITHIN: Final = timedelta(minutes=10)
"""Clients repeat a failed request within this time."""


@dataclass(frozen=True)
class CallOrigin:
    """The source of a call, and how to recognise a repetition."""

    endpoint: str
    key: ApiKey | None
    fingerprint: str
    request: Mapping[str, Any] = field(default_factory=dict)
    """As requested, without the prompts."""
    idempotency_key: str = ""


@dataclass(frozen=True)
class Submitted:
    """A call and its runs in order."""

    call: Call
    jobs: tuple[GenerationJob, ...]
    is_repeat: bool = False
    """Whether the request is a repetition, and these are the earlier runs."""


def submit_call(
    user: User,
    *,
    model: HostedModel,
    runs: Sequence[Run],
    origin: CallOrigin,
    job_class: JobClass = JobClass.API,
) -> Submitted:
    """Accept all runs or none. Runs beyond the person's share or the workers' room are held back.

    Raises `AccessRefused`, or `DomainError` with code `invalid_value`, `queue_full`,
    `context_length_exceeded` or `quota_exceeded`, before anything is queued.
    """
    with submit_span():
        require_access(user, model, Origin.API)
        jobs, tokens = _build_jobs(user, model=model, runs=runs, job_class=job_class)
        call = Call(
            user=user,
            key=origin.key,
            endpoint=origin.endpoint,
            request=dict(origin.request),
            fingerprint=origin.fingerprint,
            idempotency_key=origin.idempotency_key,
            created_at=jobs[0].created_at,
        )
        for index, job in enumerate(jobs):
            job.call, job.call_index = call, index
        data = {"model": model.slug, "endpoint": origin.endpoint, "runs": len(jobs)}
        offer = Offer(
            user=user,
            model=model,
            job_class=job_class,
            jobs=jobs,
            tokens=tokens,
            entry=Entry(AuditTag.CALL_SUBMITTED, user, f"call:{call.pk}", data),
            call=call,
        )
        accept(offer)
        return Submitted(call, jobs)


def find_call_by_key(user: User, idempotency_key: str, *, fingerprint: str) -> Submitted | None:
    """The call with this idempotency key, or None.

    A failed call does not count: its key is free again. Raises `DomainError` with code
    `idempotency_key_reused` if the key belongs to a different request.
    """
    call = Call.objects.filter(user=user, idempotency_key=idempotency_key).first()
    if call is None:
        return None
    require_same_request(fingerprint, earlier=call.fingerprint)
    submitted = _with_jobs(call)
    if _is_spoilt(submitted):
        Call.objects.filter(pk=call.pk).update(idempotency_key="")
        return None
    return submitted


def find_repeated_call(user: User, *, fingerprint: str, at: datetime) -> Submitted | None:
    """The newest call of the same request, if it is recent and its response was never sent.

    None if any of its runs failed. A client that deliberately sends a request twice gets two
    responses.
    """
    call = (
        Call.objects.filter(user=user, fingerprint=fingerprint, created_at__gt=at - REPEATED_WITHIN)
        .order_by("-created_at")
        .first()
    )
    if call is None or was_answered(call.pk):
        return None
    submitted = _with_jobs(call)
    return None if _is_spoilt(submitted) else submitted


def _with_jobs(call: Call) -> Submitted:
    jobs = call.jobs.select_related("model__release").order_by("call_index")
    return Submitted(call, tuple(jobs), is_repeat=True)


def _is_spoilt(submitted: Submitted) -> bool:
    """Whether new runs could give more than the existing ones."""
    return any(
        job.state in (JobState.FAILED, JobState.CANCELLED)
        or job.cancel_requested_at is not None
        or job.erased_at is not None
        for job in submitted.jobs
    )


def require_runs(count: int, *, field: str) -> None:
    """Raise `DomainError` if there are no runs, or more than a call may have."""
    if not 0 < count <= RUNS_PER_CALL:
        raise invalid_value(
            f"This request has {count:,} runs (prompts times samples); a request may have "
            f"between 1 and {RUNS_PER_CALL}. Split it.",
            field=field,
        )


def count_tokens_of(runs: Sequence[Run], *, model: HostedModel) -> None:
    """Count the prompts' tokens, which occupies a core for a while, before the submission.

    Raises `DomainError` as `submit_call` would.
    """
    engine = engine_status(model.deployment)
    for run in runs:
        reserve_for(model, run, engine=engine)


def _build_jobs(
    user: User, *, model: HostedModel, runs: Sequence[Run], job_class: JobClass
) -> tuple[tuple[GenerationJob, ...], dict[UUID, int]]:
    """The rows, and the most tokens that each may need."""
    require_runs(len(runs), field="prompt")
    engine = engine_status(model.deployment)
    built = [
        build_job(user, run, model=model, origin=Origin.API, job_class=job_class, engine=engine)
        for run in runs
    ]
    return tuple(job for job, _ in built), {job.pk: tokens for job, tokens in built}
