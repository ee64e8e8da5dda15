"""Scores of continuations, and whole distributions."""

from __future__ import annotations

import json
from typing import Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Router

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.calls import (
    AcceptedFrom,
    Steps,
    find_or_submit,
    open_model,
    read_caller,
    take_steps,
    wait_for,
)
from portal.lab.api.schemas import DistributionList, ScoreList, answers
from portal.lab.completions.domain.assemble import fingerprint
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.scoring.domain.distributions import (
    NAMES,
    DistributionPlan,
    Distributions,
    plan_distributions,
    read_distributions,
    write_arrays,
    write_summary,
)
from portal.lab.scoring.domain.scores import (
    ScorePlan,
    list_names,
    plan_scores,
    write_scores,
)
from portal.lab.scoring.wire import DistributionsRequest, ScoresRequest
from portal.platform.core.errors import DomainError, rename_field
from portal.platform.core.json_writing import write_json
from portal.platform.core.turns import in_turn

router = Router(tags=["Log-probabilities"], auth=KeyAuth(Right.MODEL))
CONTENT_TYPES: Final = {
    "npz": "application/x-npz",
    "safetensors": "application/x-safetensors",
}


@router.post("/scores", response=answers(ScoreList), summary="Score continuations of a context")
async def create_scores(request: HttpRequest, body: ScoresRequest) -> HttpResponse:
    caller = read_caller(request, endpoint="/v1/scores")

    def submit(model: HostedModel, plan: ScorePlan) -> AcceptedFrom[ScorePlan]:
        return AcceptedFrom(plan, find_or_submit(caller, body, model=model, runs=plan.runs))

    steps = Steps(
        open=lambda: open_model(caller, body.model, scope=KeyScope.LOGPROBS),
        plan=lambda model: plan_scores(body, model=model),
        runs=lambda plan: plan.runs,
        submit=submit,
    )
    try:
        accepted = await take_steps(request, caller, steps)
    except DomainError as error:
        raise rename_field(error, list_names(body)) from None
    plan, submitted = accepted.source, accepted.submitted
    completions = await wait_for(submitted)

    def write() -> bytes:
        texts = token_texts(submitted.jobs[0].deployment)
        prompt_tokens = sum(len(pair.token_ids) for pair in plan.pairs)
        return write_json(
            {
                **_head(submitted, body.model),
                "data": write_scores(plan, completions, texts=texts),
                "usage": _usage(prompt_tokens),
            }
        )

    content = await in_turn(caller.key.user_id, write)
    return HttpResponse(content, content_type="application/json")


@router.post(
    "/distributions",
    response=answers(DistributionList),
    summary="Get the whole distribution after chosen tokens of a prompt",
)
async def create_distributions(request: HttpRequest, body: DistributionsRequest) -> HttpResponse:
    caller = read_caller(request, endpoint="/v1/distributions")

    def submit(model: HostedModel, plan: DistributionPlan) -> AcceptedFrom[DistributionPlan]:
        return AcceptedFrom(plan, find_or_submit(caller, body, model=model, runs=[plan.run]))

    steps = Steps(
        open=lambda: open_model(caller, body.model, scope=KeyScope.LOGPROBS),
        plan=lambda model: plan_distributions(body, model=model),
        runs=lambda plan: [plan.run],
        submit=submit,
    )
    try:
        accepted = await take_steps(request, caller, steps)
    except DomainError as error:
        raise rename_field(error, NAMES) from None
    plan, submitted = accepted.source, accepted.submitted
    await wait_for(submitted)
    return await in_turn(caller.key.user_id, lambda: _answer(body, plan, submitted))


def _answer(
    body: DistributionsRequest, plan: DistributionPlan, submitted: Submitted
) -> HttpResponse:
    """Called in a thread, since it fetches and writes some megabytes."""
    job = submitted.jobs[0]
    found = read_distributions(job.pk, plan.positions)
    summary = _summarise(body, plan, submitted, found)
    if body.format == "json":
        return HttpResponse(write_json(summary), content_type="application/json")
    metadata = {name: json.dumps(value) for name, value in summary.items()}
    content = write_arrays(plan, found, format_name=body.format, metadata=metadata)
    response = HttpResponse(content, content_type=CONTENT_TYPES[body.format])
    response["Content-Disposition"] = f'attachment; filename="{job.pk}.{body.format}"'
    return response


def _summarise(
    body: DistributionsRequest,
    plan: DistributionPlan,
    submitted: Submitted,
    found: Distributions,
) -> dict[str, Any]:
    texts = token_texts(submitted.jobs[0].deployment)
    return {
        **_head(submitted, body.model),
        "data": write_summary(plan, found, top=body.top, texts=texts),
        "token_ids": list(plan.token_ids),
        "tokens": [texts.text_of(token) for token in plan.token_ids],
        "vocabulary": int(found.logprobs.shape[1]),
        "usage": _usage(len(plan.token_ids)),
    }


def _head(submitted: Submitted, model: str) -> dict[str, Any]:
    provenance = engine_status(submitted.jobs[0].deployment).provenance
    return {
        "object": "list",
        "id": f"call-{submitted.call.pk.hex}",
        "created": int(submitted.call.created_at.timestamp()),
        "model": model,
        "system_fingerprint": fingerprint(provenance),
        "jobs": [str(job.pk) for job in submitted.jobs],
    }


def _usage(prompt_tokens: int) -> dict[str, int]:
    return {
        "prompt_tokens": prompt_tokens,
        "completion_tokens": 0,
        "total_tokens": prompt_tokens,
    }
