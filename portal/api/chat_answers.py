"""The answer to a request for a chat's next message."""

from __future__ import annotations

from typing import Final

from django.http import HttpRequest, HttpResponseBase

from portal.api.calls import Asking, open_model, read_asking
from portal.api.completion_answers import Accepted, Style, accept, accept_compiled, answer_accepted
from portal.chat.domain.conversion import (
    to_chat,
    to_chat_refusal,
    to_completion,
    to_piece,
)
from portal.chat.wire import ChatRequest
from portal.completions.domain.assemble import assemble
from portal.core.errors import DomainError
from portal.keys.enums import KeyScope

ENDPOINT: Final = "/v1/chat/completions"
CHAT: Final = Style(
    whole=lambda answer, completions: to_chat(answer, assemble(answer, completions)),
    piece=to_piece,
)


async def answer_chat(request: HttpRequest, body: ChatRequest) -> HttpResponseBase:
    """Whole, or with `stream` in pieces. A client that goes away early stops the runs."""
    asking = read_asking(request, endpoint=ENDPOINT)
    accepted = await accept_compiled(asking, lambda: _accept(asking, body))
    return await answer_accepted(accepted, body, style=CHAT)


def _accept(asking: Asking, body: ChatRequest) -> Accepted:
    model = open_model(asking, body.model, scope=KeyScope.COMPLETIONS)
    try:
        return accept(asking, to_completion(body, model=model))
    except DomainError as error:
        raise to_chat_refusal(error, body) from None
