"""Runs after their submission: receipts, events, stopping, running again."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from django.http import HttpRequest, JsonResponse, StreamingHttpResponse
from ninja import Router
from pydantic import BaseModel

from inference_workers.contract import CancelReason, SamplingParams
from portal.gate.access.enums import KeyScope
from portal.gate.keys.models import ApiKey
from portal.lab.api.auth import KeyAuth, Right, require
from portal.lab.api.calls import (
    AcceptedFrom,
    Caller,
    accept,
    find_or_submit,
    open_model,
    read_caller,
    wait_for,
)
from portal.lab.api.schemas import REFUSALS, JobObject, JobState, Replay, answers
from portal.lab.jobs.domain.admission import Run
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.receipts import find_difference, find_own_job, write_receipt
from portal.lab.jobs.domain.stopping import erase_job, request_cancel
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.models import GenerationJob
from portal.lab.jobs.stream.answer import answer_stream
from portal.lab.jobs.stream.feed import parse_last_event_id
from portal.lab.jobs.stream.recorded import wait_until_recorded
from portal.platform.core.database import in_database
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

router = Router(tags=["Jobs"], auth=KeyAuth(Right.NONE))
REPLAY: Final = "/v1/jobs/replay"


class ReplayRequest(BaseModel):
    """What a replay's call records about itself."""

    replay_of: str


@router.get("/jobs/{uuid:job_id}", response=answers(JobObject), summary="Get a run's receipt")
async def get_job(request: HttpRequest, job_id: UUID) -> JsonResponse:
    key = require(request, KeyScope.READ)
    await wait_until_recorded(job_id)
    # Not through the schema: large log-probabilities need no second validation.
    return JsonResponse(await in_database(lambda: write_receipt(_find(key, job_id))))


@router.delete(
    "/jobs/{uuid:job_id}",
    response=answers(JobState),
    summary="Erase a run's prompt and text; a running one is stopped first",
)
async def delete_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    key = require(request, KeyScope.COMPLETIONS)
    await in_database(lambda: erase_job(_find(key, job_id), actor=key.user))
    return {"id": str(job_id), "object": "job", "state": "erased"}


@router.get(
    "/jobs/{uuid:job_id}/events",
    response=REFUSALS,
    summary="Follow a run as Server-Sent Events, from Last-Event-ID or the beginning",
)
async def get_events(request: HttpRequest, job_id: UUID) -> StreamingHttpResponse:
    key = require(request, KeyScope.READ)
    job = await in_database(lambda: _find(key, job_id))
    after = parse_last_event_id(request.headers.get("Last-Event-ID", ""))
    return answer_stream(job, after=after)


@router.post(
    "/jobs/{uuid:job_id}/cancel",
    response=answers(JobState),
    summary="Stop a run; a run that has ended is not changed",
)
async def cancel_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    key = require(request, KeyScope.COMPLETIONS)
    state = await in_database(
        lambda: request_cancel(_find(key, job_id), reason=CancelReason.USER, actor=key.user)
    )
    return {"id": str(job_id), "object": "job", "state": state}


@router.post(
    "/jobs/{uuid:job_id}/replay",
    response=answers(Replay),
    summary="Repeat a run and compare the two",
    auth=KeyAuth(Right.MODEL),
)
async def replay_job(request: HttpRequest, job_id: UUID) -> dict[str, Any]:
    caller = read_caller(request, endpoint=REPLAY)

    def submit() -> AcceptedFrom[GenerationJob]:
        job = _find(caller.key, job_id)
        return AcceptedFrom(job, _submit_again(caller, job))

    await wait_until_recorded(job_id)
    accepted = await accept(submit)
    job, submitted = accepted.source, accepted.submitted
    (completion,) = await wait_for(submitted)
    difference = find_difference(job.token_ids, completion.token_ids)
    return {
        "object": "replay",
        "job": str(job.pk),
        "replay": str(submitted.jobs[0].pk),
        "is_identical": difference is None,
        "first_difference": asdict(difference) if difference else None,
        "tokens": {"was": len(job.token_ids), "now": len(completion.token_ids)},
        "provenance": {
            "was": job.provenance,
            "now": await in_database(lambda: _provenance(submitted)),
        },
    }


def _submit_again(caller: Caller, job: GenerationJob) -> Submitted:
    if job.is_active:
        raise invalid_value("This run has not ended yet. Replay it after its end.")
    if job.positions:
        raise invalid_value(
            "This run returned distributions, which cannot be replayed. Request them again."
        )
    model = open_model(caller, job.model.slug, scope=KeyScope.COMPLETIONS)
    run = Run(
        sampling=SamplingParams.model_validate(job.params),
        prompt="" if job.prompt_token_ids else job.prompt,
        prompt_token_ids=tuple(job.prompt_token_ids),
    )
    return find_or_submit(caller, ReplayRequest(replay_of=str(job.pk)), model=model, runs=[run])


def _provenance(submitted: Submitted) -> Any:  # noqa: ANN401 -- JSON
    """As recorded; until the outcome is recorded, the engine's present provenance."""
    job = GenerationJob.objects.only("provenance", "deployment").get(pk=submitted.jobs[0].pk)
    if job.provenance is not None:
        return job.provenance
    now = engine_status(job.deployment).provenance
    return now.model_dump(mode="json", exclude={"v"}) if now else None


def _find(key: ApiKey, job_id: UUID) -> GenerationJob:
    job = find_own_job(key.user, job_id)
    if job is None:
        raise DomainError(RefusalCode.NOT_FOUND, "You have no such run; it may have been erased.")
    return job
