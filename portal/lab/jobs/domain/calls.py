"""Requests to the API: many runs accepted as one, and found again when a client repeats itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Final
from uuid import UUID

from inference_workers.contract import SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.models import ApiKey
from portal.lab.jobs.domain.acceptance import Offer, accept
from portal.lab.jobs.domain.admission import require_access, reserve_for
from portal.lab.jobs.domain.answered import was_answered
from portal.lab.jobs.domain.submission import build_job
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import JobClass, JobState, Origin
from portal.lab.jobs.models import Call, GenerationJob
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.idempotency import require_same_request
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.tracing import submit_span

RUNS_PER_CALL: Final = 512
REPEATED_WITHIN: Final = timedelta(minutes=10)
"""A client that repeats a request does so within this time."""


@dataclass(frozen=True)
class Run:
    """One run of a call. `prompt_token_ids`, where there are any, are the prompt exactly."""

    sampling: SamplingParams
    prompt: str = ""
    prompt_token_ids: tuple[int, ...] = ()
    positions: tuple[int, ...] = ()


@dataclass(frozen=True)
class CallOrigin:
    """Where a call comes from, and how to know it again."""

    endpoint: str
    key: ApiKey | None
    fingerprint: str
    request: Mapping[str, Any] = field(default_factory=dict)
    """As asked for, without the prompts."""
    idempotency_key: str = ""


@dataclass(frozen=True)
class Submitted:
    """A call and its runs in order."""

    call: Call
    jobs: tuple[GenerationJob, ...]
    is_repeat: bool = False
    """The client had asked before, and these are the runs of then."""


def submit_call(
    user: User,
    *,
    model: HostedModel,
    runs: Sequence[Run],
    origin: CallOrigin,
    job_class: JobClass = JobClass.API,
) -> Submitted:
    """Accept all runs or none. What the person's share or the workers cannot take yet is held back.

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
    """The call that was made under this idempotency key.

    One that failed does not count: its key is free again. Raises `DomainError` with code
    `idempotency_key_reused` when the request was another one then.
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
    """The newest call of the same request, if it is recent and its answer never went out.

    Nothing of it may have failed. Who asks the same twice on purpose gets two answers.
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
    """Whether asking again could bring more than reading what is there."""
    return any(
        job.state in (JobState.FAILED, JobState.CANCELLED)
        or job.cancel_requested_at is not None
        or job.erased_at is not None
        for job in submitted.jobs
    )


def require_runs(count: int, *, field: str) -> None:
    """Raise `DomainError` for more runs than a call may have, or none."""
    if not 0 < count <= RUNS_PER_CALL:
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"This request asks for {count:,} runs (prompts times samples), and one request "
            f"may have between 1 and {RUNS_PER_CALL}. Split it.",
            field=field,
        )


def count_tokens_of(runs: Sequence[Run], *, model: HostedModel) -> None:
    """Count the prompts' tokens, which takes a core for a while, before the runs are submitted.

    Raises `DomainError` as `submit_call` would.
    """
    engine = engine_status(model.deployment)
    for run in runs:
        reserve_for(
            model,
            prompt=run.prompt,
            sampling=run.sampling,
            engine=engine,
            prompt_token_ids=run.prompt_token_ids,
        )


def _build_jobs(
    user: User, *, model: HostedModel, runs: Sequence[Run], job_class: JobClass
) -> tuple[tuple[GenerationJob, ...], dict[UUID, int]]:
    """The rows, and how many tokens each may need."""
    require_runs(len(runs), field="prompt")
    engine = engine_status(model.deployment)
    built = [
        build_job(
            user,
            model=model,
            origin=Origin.API,
            job_class=job_class,
            engine=engine,
            sampling=run.sampling,
            prompt=run.prompt,
            prompt_token_ids=run.prompt_token_ids,
            positions=run.positions,
        )
        for run in runs
    ]
    return tuple(job for job, _ in built), {job.pk: tokens for job, tokens in built}
