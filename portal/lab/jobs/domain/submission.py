"""Submission of a single run."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

from django.conf import settings
from django.utils import timezone

from inference_workers.contract import SamplingParams
from portal.gate.catalog.models import HostedModel
from portal.lab.jobs.domain.acceptance import Offer, accept
from portal.lab.jobs.domain.admission import Run, check_values, require_access, reserve_for
from portal.lab.jobs.domain.scheduling import count_slots
from portal.lab.jobs.domain.workers import EngineStatus, engine_status
from portal.lab.jobs.enums import CLASS_OF_ORIGIN, JobClass, Origin
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry
from portal.platform.audit.enums import AuditTag
from portal.platform.core.tracing import submit_span


def submit_job(
    user: User, *, model: HostedModel, prompt: str, sampling: SamplingParams, origin: Origin
) -> GenerationJob:
    """Accept a run: the row is written, and after the commit its message is sent.

    If the workers are busy, the message is held back until it is the run's turn.

    Raises `AccessRefused`, or `DomainError` with code `invalid_value`, `too_many_jobs`,
    `queue_full`, `context_length_exceeded` or `quota_exceeded`, before anything is queued.
    """
    with submit_span():
        require_access(user, model, origin)
        engine = engine_status(model.deployment)
        run = Run(sampling, prompt)
        offer = build_offer(user, run, model=model, origin=origin, engine=engine)
        accept(offer)
        return offer.jobs[0]


def build_offer(
    user: User, run: Run, *, model: HostedModel, origin: Origin, engine: EngineStatus
) -> Offer:
    """The offer of one run; raises `DomainError` as `build_job` does."""
    job_class = CLASS_OF_ORIGIN[origin]
    job, tokens = build_job(
        user, run, model=model, origin=origin, job_class=job_class, engine=engine
    )
    data = {"model": model.slug, "origin": str(origin), "max_tokens": run.sampling.max_tokens}
    return Offer(
        user=user,
        model=model,
        job_class=job_class,
        jobs=(job,),
        tokens={job.pk: tokens},
        entry=Entry(AuditTag.JOB_SUBMITTED, user, f"job:{job.pk}", data),
        slots=count_slots(engine),
    )


def build_job(
    user: User,
    run: Run,
    *,
    model: HostedModel,
    origin: Origin,
    job_class: JobClass,
    engine: EngineStatus,
) -> tuple[GenerationJob, int]:
    """An unsaved row, and the most tokens that the run may need.

    Raises `DomainError` with code `invalid_value` or `context_length_exceeded`.
    """
    check_values(run)
    tokens = reserve_for(model, run, engine=engine)
    now = timezone.now()
    job = GenerationJob(
        id=uuid4(),
        user=user,
        model=model,
        deployment=model.deployment,
        origin=origin,
        job_class=job_class,
        prompt=run.prompt,
        prompt_token_ids=list(run.prompt_token_ids),
        positions=list(run.positions),
        params=run.sampling.model_dump(mode="json"),
        created_at=now,
        deadline_at=now + timedelta(seconds=settings.QUEUE_DEADLINE_SECONDS),
    )
    return job, tokens
