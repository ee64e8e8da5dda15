"""Reviewers' decisions by program: the commands and the rules of the console."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any

from django.http import HttpRequest
from ninja import Path, Router
from pydantic import BaseModel, Field

from portal.gate.access.enums import Command, GrantState
from portal.gate.decision_api.domain import deciding, reading
from portal.gate.decision_api.domain.idempotency import IdempotentRequest
from portal.gate.decision_api.domain.reviewer import require_reviewer
from portal.lab.api.auth import KeyAuth, Right, key_of
from portal.lab.api.calls import read_caller
from portal.lab.api.decision_schemas import (
    LARGEST_ID,
    ApplicationDecision,
    ApplicationList,
    ApplicationObject,
    ApproveBody,
    GrantBody,
    GrantDecision,
    GrantList,
    RefuseBody,
    ReturnBody,
    Status,
    TakeBackBody,
)
from portal.lab.api.schemas import ErrorBody, answers
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from portal.platform.core.idempotency import hash_request

router = Router(tags=["Decisions"], auth=KeyAuth(Right.REVIEWER))
DECIDED = answers(ApplicationDecision) | {409: ErrorBody}
CHANGED = answers(GrantDecision) | {409: ErrorBody}
Limit = Annotated[int, Field(ge=1, le=100)]
GrantId = Annotated[int, Path(ge=1, le=LARGEST_ID)]


@router.get(
    "/decisions/applications",
    response=answers(ApplicationList),
    summary="List applications that were submitted",
)
async def list_applications(
    request: HttpRequest,
    status: Status | None = None,
    after: str | None = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    reviewer = _reviewer(request)
    return await in_database(
        lambda: reading.list_applications(reviewer, status=status, after=after, limit=limit)
    )


@router.get(
    "/decisions/applications/{case_number}",
    response=answers(ApplicationObject),
    summary="Read an application",
)
async def get_application(request: HttpRequest, case_number: str) -> dict[str, Any]:
    reviewer = _reviewer(request)
    return await in_database(
        lambda: reading.describe_application(reading.find_application(reviewer, case_number))
    )


@router.post(
    "/decisions/applications/{case_number}/approve",
    response=DECIDED,
    summary="Approve an application, or endorse it as the first of two reviewers",
)
async def approve_application(
    request: HttpRequest, case_number: str, body: ApproveBody
) -> dict[str, Any]:
    return await _decide(request, case_number, body, deciding.approve)


@router.post(
    "/decisions/applications/{case_number}/refuse",
    response=DECIDED,
    summary="Refuse an application, with a reason",
)
async def refuse_application(
    request: HttpRequest, case_number: str, body: RefuseBody
) -> dict[str, Any]:
    return await _decide(request, case_number, body, deciding.refuse)


@router.post(
    "/decisions/applications/{case_number}/return",
    response=DECIDED,
    summary="Return an application for changes, with notes",
)
async def return_application(
    request: HttpRequest, case_number: str, body: ReturnBody
) -> dict[str, Any]:
    return await _decide(request, case_number, body, deciding.send_back)


@router.post(
    "/decisions/applications/{case_number}/take-back",
    response=DECIDED,
    summary="Take a decision back before the applicant is notified",
)
async def take_back_decision(
    request: HttpRequest, case_number: str, body: TakeBackBody
) -> dict[str, Any]:
    return await _decide(request, case_number, body, deciding.take_back)


@router.get("/decisions/grants", response=answers(GrantList), summary="List grants")
async def list_grants(
    request: HttpRequest,
    state: GrantState | None = None,
    model: str | None = None,
    after: Annotated[int | None, Field(ge=1, le=LARGEST_ID)] = None,
    limit: Limit = 20,
) -> dict[str, Any]:
    reviewer = _reviewer(request)
    return await in_database(
        lambda: reading.list_grants(reviewer, state=state, model=model, after=after, limit=limit)
    )


@router.post("/decisions/grants/{grant_id}/suspend", response=CHANGED, summary="Suspend a grant")
async def suspend_grant(request: HttpRequest, grant_id: GrantId, body: GrantBody) -> dict[str, Any]:
    return await _change(request, grant_id, body, command=Command.SUSPEND)


@router.post(
    "/decisions/grants/{grant_id}/resume", response=CHANGED, summary="Resume a suspended grant"
)
async def resume_grant(request: HttpRequest, grant_id: GrantId, body: GrantBody) -> dict[str, Any]:
    return await _change(request, grant_id, body, command=Command.RESUME)


@router.post(
    "/decisions/grants/{grant_id}/revoke", response=CHANGED, summary="Revoke a grant for good"
)
async def revoke_grant(request: HttpRequest, grant_id: GrantId, body: GrantBody) -> dict[str, Any]:
    return await _change(request, grant_id, body, command=Command.REVOKE)


async def _decide(
    request: HttpRequest, case_number: str, body: BaseModel, decide: Callable[..., dict[str, Any]]
) -> dict[str, Any]:
    asked = _read(request, body)
    fields = body.model_dump()
    return await in_database(lambda: decide(asked, case_number, **fields))


async def _change(
    request: HttpRequest, grant_id: int, body: GrantBody, *, command: Command
) -> dict[str, Any]:
    asked = _read(request, body)
    fields = body.model_dump()
    return await in_database(lambda: deciding.change_grant(asked, grant_id, command, **fields))


def _reviewer(request: HttpRequest) -> User:
    return require_reviewer(key_of(request))


def _read(request: HttpRequest, body: BaseModel) -> IdempotentRequest:
    """The reviewer and the request; two requests are equal if address and content are."""
    reviewer = _reviewer(request)
    caller = read_caller(request, endpoint=request.path)
    fingerprint = hash_request(request.path, body.model_dump(mode="json"))
    return IdempotentRequest(reviewer, fingerprint, caller.idempotency_key)
