"""Completions, whole or as a stream."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from django.http import HttpRequest, HttpResponseBase
from ninja import Body, Router

from portal.api.auth import require
from portal.api.completion_answers import answer_completion
from portal.api.schemas import REFUSALS, CompletionObject
from portal.completions.wire import CompletionRequest
from portal.core.errors import DomainError
from portal.keys.enums import KeyScope

router = Router(tags=["Completions"])


@router.post(
    "/completions",
    response={HTTPStatus.OK: CompletionObject, **REFUSALS},
    summary="Complete texts or token ids",
)
async def create_completion(request: HttpRequest, body: CompletionRequest) -> HttpResponseBase:
    return await answer_completion(request, body)


@router.post(
    "/engines/{path:engine}/completions",
    response={HTTPStatus.OK: CompletionObject, **REFUSALS},
    summary="The same, as clients of 2022 ask",
)
async def create_engine_completion(
    request: HttpRequest, engine: str, body: Body[dict[str, Any]]
) -> HttpResponseBase:
    return await answer_completion(
        request, CompletionRequest.model_validate({**body, "model": engine})
    )


@router.post("/chat/completions", response=REFUSALS, summary="Not offered: these are base models")
async def create_chat_completion(request: HttpRequest) -> HttpResponseBase:
    require(request, KeyScope.COMPLETIONS)
    raise DomainError(
        "not_found",
        "The models released here continue texts and have no chat template. Send your text as "
        "`prompt` to /v1/completions.",
        next_url="/docs/api/",
    )
