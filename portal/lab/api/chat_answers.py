"""The response to a request for a chat's next message."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from django.http import HttpRequest, HttpResponseBase

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.lab.api.calls import Caller, Steps, open_model, read_caller
from portal.lab.api.completion_answers import (
    Style,
    accept,
    answer_accepted,
    plan_body,
    take_compiled_steps,
)
from portal.lab.chat.domain.conversion import (
    to_chat,
    to_chat_refusal,
    to_completion,
    to_piece,
)
from portal.lab.chat.wire import ChatRequest
from portal.lab.completions.domain.assemble import assemble
from portal.lab.completions.domain.plan import Plan
from portal.lab.completions.wire import CompletionRequest
from portal.platform.core.errors import DomainError

ENDPOINT: Final = "/v1/chat/completions"
CHAT: Final = Style(
    whole=lambda answer, completions: to_chat(answer, assemble(answer, completions)),
    piece=to_piece,
)


async def answer_chat(request: HttpRequest, body: ChatRequest) -> HttpResponseBase:
    """Respond as a whole, or with `stream` in pieces. The runs stop if the client disconnects."""
    caller = read_caller(request, endpoint=ENDPOINT)
    steps = Steps(
        open=lambda: open_model(caller, body.model, scope=KeyScope.COMPLETIONS),
        plan=lambda model: _plan(caller, body, model=model),
        runs=lambda planned: planned.plan.runs,
        submit=lambda model, planned: accept(
            caller, planned.completion, model=model, plan=planned.plan
        ),
    )
    try:
        accepted = await take_compiled_steps(request, caller, steps)
    except DomainError as error:
        raise to_chat_refusal(error, body) from None
    return await answer_accepted(accepted, body, style=CHAT)


@dataclass(frozen=True)
class _Planned:
    """A chat as a completion."""

    completion: CompletionRequest
    plan: Plan


def _plan(caller: Caller, body: ChatRequest, *, model: HostedModel) -> _Planned:
    completion = to_completion(body, model=model)
    return _Planned(completion, plan_body(caller, completion, model=model))
