"""The response to a request for completions: whole, or as a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeVar

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.lab.api.calls import (
    Caller,
    Steps,
    explain_failure,
    find_or_submit,
    open_model,
    read_caller,
    take_steps,
    wait_for,
)
from portal.lab.api.domain.limits import describe_limits
from portal.lab.completions.domain.assemble import Answer, assemble
from portal.lab.completions.domain.compiling import with_compiled
from portal.lab.completions.domain.fields import require_known
from portal.lab.completions.domain.plan import Plan, plan_completion
from portal.lab.completions.domain.streaming import (
    DONE,
    StreamFailedError,
    Write,
    frame,
    stream_pieces,
    write_piece,
)
from portal.lab.completions.refusals import describe_error
from portal.lab.completions.wire import CompletionRequest, StreamOptions
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.token_text import token_texts
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.stream.reader_presence import cancel_when_reader_leaves
from portal.platform.core.json_writing import write_json
from portal.platform.core.turns import in_turn

ENDPOINT: Final = "/v1/completions"
T = TypeVar("T")


class Streamable(Protocol):
    """A body that may ask for a stream."""

    stream: bool | None
    stream_options: StreamOptions | None


@dataclass(frozen=True)
class Accepted:
    """A response to be written, and its headers."""

    answer: Answer
    headers: Mapping[str, str]

    @property
    def submitted(self) -> Submitted:
        return self.answer.submitted


@dataclass(frozen=True)
class Style:
    """How a response is written: whole, and piece by piece."""

    whole: Callable[[Answer, Sequence[Completion]], dict[str, Any]] = assemble
    piece: Write = write_piece


async def answer_completion(request: HttpRequest, body: CompletionRequest) -> HttpResponseBase:
    """Respond as a whole, or with `stream` in pieces. The runs stop if the client disconnects."""
    caller = read_caller(request, endpoint=ENDPOINT)
    steps = Steps(
        open=lambda: open_model(caller, body.model, scope=KeyScope.COMPLETIONS),
        plan=lambda model: plan_body(caller, body, model=model),
        runs=lambda plan: plan.runs,
        submit=lambda model, plan: accept(caller, body, model=model, plan=plan),
    )
    accepted = await take_compiled_steps(request, caller, steps)
    return await answer_accepted(accepted, body, style=Style())


async def take_compiled_steps(
    request: HttpRequest, caller: Caller, steps: Steps[T, Accepted]
) -> Accepted:
    """The result of the steps, which are repeated once the plan's structures are compiled."""
    return await with_compiled(
        lambda: take_steps(request, caller, steps), person=caller.key.user_id
    )


async def answer_accepted(
    accepted: Accepted, body: Streamable, *, style: Style
) -> HttpResponseBase:
    """Wait for the runs, or stream them."""
    if body.stream:
        return _stream(accepted, body, style=style)
    answer = accepted.answer
    completions = await wait_for(answer.submitted)

    def write() -> bytes:
        return write_json(style.whole(answer, completions))

    if any(made.logprobs or made.scored for made in completions):
        # The log-probabilities of a long prompt take time to write.
        content = await in_turn(answer.submitted.call.user_id, write)
    else:
        content = await sync_to_async(write, thread_sensitive=False)()
    return HttpResponse(content, content_type="application/json", headers=dict(accepted.headers))


def plan_body(caller: Caller, body: CompletionRequest, *, model: HostedModel) -> Plan:
    """Plan the request's runs; raises `DomainError`."""
    if caller.is_strict:
        require_known(body)
    return plan_completion(body, deployment=model.deployment)


def accept(caller: Caller, body: CompletionRequest, *, model: HostedModel, plan: Plan) -> Accepted:
    """Submit the request's runs, or find those of its first attempt."""
    submitted = find_or_submit(caller, body, model=model, runs=plan.runs)
    answer = Answer(
        plan=plan,
        submitted=submitted,
        model_name=body.model,
        texts=token_texts(model.deployment),
        provenance=engine_status(model.deployment).provenance,
        return_token_ids=bool(body.return_token_ids),
        prompt_logprobs=body.prompt_logprobs is not None,
    )
    return Accepted(answer, describe_limits(caller.key.user, model=model))


def _stream(accepted: Accepted, body: Streamable, *, style: Style) -> StreamingHttpResponse:
    include_usage = bool(body.stream_options and body.stream_options.include_usage)
    pieces = _stream_to_reader(accepted.answer, include_usage=include_usage, style=style)
    response = StreamingHttpResponse(
        pieces, content_type="text/event-stream; charset=utf-8", headers=dict(accepted.headers)
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _stream_to_reader(
    answer: Answer, *, include_usage: bool, style: Style
) -> AsyncIterator[bytes]:
    """The whole stream; after a failure it sends the error and ends."""
    async with cancel_when_reader_leaves(
        answer.submitted.call.pk, answer.submitted.jobs
    ) as presence:
        yield b": accepted\n\n"
        pieces = stream_pieces(answer, include_usage=include_usage, write=style.piece)
        try:
            async with aclosing(pieces) as frames:  # type: ignore[type-var]  # it is a generator
                async for piece in frames:
                    yield piece
        except StreamFailedError as failure:
            presence.has_given_up = True
            error = await explain_failure(failure.error, answer.submitted)
            yield frame(describe_error(error))
        yield DONE
