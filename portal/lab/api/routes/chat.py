"""Chats, where the model has a template for them."""

from __future__ import annotations

from http import HTTPStatus

from django.http import HttpRequest, HttpResponseBase
from ninja import Router

from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.chat_answers import answer_chat
from portal.lab.api.schemas import REFUSALS, ChatObject
from portal.lab.chat.wire import ChatRequest

router = Router(tags=["Chat"])


@router.post(
    "/chat/completions",
    response={HTTPStatus.OK: ChatObject, **REFUSALS},
    summary="Complete a conversation",
    auth=KeyAuth(Right.MODEL),
)
async def create_chat_completion(request: HttpRequest, body: ChatRequest) -> HttpResponseBase:
    return await answer_chat(request, body)
