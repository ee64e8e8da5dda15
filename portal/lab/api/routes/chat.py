"""Chats, where the model has a template for them."""

from __future__ import annotations

from django.http import HttpRequest, HttpResponseBase
from ninja import Router

from portal.lab.api.auth import KeyAuth, Right
from portal.lab.api.chat_answers import answer_chat
from portal.lab.api.schemas import ChatObject, answers
from portal.lab.chat.wire import ChatRequest

router = Router(tags=["Chat"], auth=KeyAuth(Right.MODEL))


@router.post("/chat/completions", response=answers(ChatObject), summary="Complete a conversation")
async def create_chat_completion(request: HttpRequest, body: ChatRequest) -> HttpResponseBase:
    return await answer_chat(request, body)
