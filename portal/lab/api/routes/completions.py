"""Completions, whole or as a stream."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from ninja import Router

from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.completion_answers import answer_completion
from portal.lab.api.schemas import CompletionObject, answers
from portal.lab.completions.wire import CompletionRequest, EngineCompletionRequest

router = Router(tags=["Completions"], auth=KeyAuth(Right.MODEL))


@router.post(
    "/completions", response=answers(CompletionObject), summary="Complete texts or token ids"
)
async def create_completion(request: HttpRequest, body: CompletionRequest) -> HttpResponseBase:
    return await answer_completion(request, body)


@router.post(
    "/engines/{path:engine}/completions",
    response=answers(CompletionObject),
    summary="Complete texts, with the model in the address as in 2022",
)
async def create_engine_completion(
    request: HttpRequest, engine: str, body: EngineCompletionRequest
) -> HttpResponseBase:
    return await answer_completion(request, body.model_copy(update={"model": engine}))
