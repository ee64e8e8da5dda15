"""From a request to its answer: accept the runs, then wait for them or stream them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from typing import Final

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from portal.api.auth import require
from portal.api.domain.limits import describe_limits
from portal.api.errors import describe_error
from portal.completions.domain.assemble import Answer, assemble
from portal.completions.domain.collect import collect
from portal.completions.domain.failures import require_done
from portal.completions.domain.models import find_model
from portal.completions.domain.plan import plan_completion
from portal.completions.domain.streaming import DONE, StreamFailedError, frame, stream_pieces
from portal.completions.wire import CompletionRequest
from portal.core.database import in_database
from portal.core.errors import DomainError
from portal.jobs.domain.admission import require_access
from portal.jobs.domain.calls import (
    CallOrigin,
    Submitted,
    find_call_by_key,
    find_repeated_call,
    submit_call,
)
from portal.jobs.domain.completion import Completion
from portal.jobs.domain.token_text import token_texts
from portal.jobs.domain.workers import engine_status
from portal.jobs.enums import Origin
from portal.jobs.stream.attendance import attend
from portal.keys.domain.authentication import require_scope
from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey

ENDPOINT: Final = "/v1/completions"
IDEMPOTENCY_KEY_LENGTH: Final = 255


@dataclass(frozen=True)
class Accepted:
    """An answer to be made, and the headers it goes out with."""

    answer: Answer
    headers: Mapping[str, str]


async def answer_completion(request: HttpRequest, body: CompletionRequest) -> HttpResponseBase:
    """Whole, or with `stream` in pieces. A client that goes away early stops the runs."""
    key = require(request, KeyScope.COMPLETIONS)
    repetition = Repetition.of(request)
    strict = request.headers.get("Gatehouse-Strict", "").lower() == "true"
    accepted = await in_database(lambda: accept(key, body, repetition=repetition, strict=strict))
    if body.stream:
        return _stream(accepted, body)
    answer = accepted.answer
    async with attend(answer.submitted.call.pk, answer.submitted.jobs):
        completions = await collect(answer.submitted.jobs)
    require_done(completions)
    content = await sync_to_async(_dump, thread_sensitive=False)(answer, completions)
    return HttpResponse(content, content_type="application/json", headers=dict(accepted.headers))


@dataclass(frozen=True)
class Repetition:
    """What a client says of having asked before."""

    idempotency_key: str
    is_retry: bool

    @classmethod
    def of(cls, request: HttpRequest) -> Repetition:
        key = request.headers.get("Idempotency-Key", "")
        if len(key) > IDEMPOTENCY_KEY_LENGTH:
            raise DomainError(
                "invalid_value",
                f"An idempotency key has at most {IDEMPOTENCY_KEY_LENGTH} characters.",
                field="Idempotency-Key",
            )
        count = request.headers.get("X-Stainless-Retry-Count", "0")
        return cls(key, is_retry=count.isdecimal() and int(count) > 0)


def accept(
    key: ApiKey, body: CompletionRequest, *, repetition: Repetition, strict: bool
) -> Accepted:
    """Submit the request's runs, or find those of its first attempt."""
    model = find_model(body.model, key=key)
    require_scope(key, KeyScope.COMPLETIONS, model)
    if strict and body.model_extra:
        name = min(body.model_extra)
        raise DomainError("unsupported_parameter", f"{name} is not known here.", field=name)
    require_access(key.user, model, Origin.API)
    plan = plan_completion(body, deployment=model.deployment)
    origin = CallOrigin(
        endpoint=ENDPOINT,
        key=key,
        fingerprint=fingerprint(body),
        request=body.model_dump(mode="json", exclude={"prompt"}, exclude_unset=True),
        idempotency_key=repetition.idempotency_key,
    )
    submitted = _find_earlier(key, origin, repetition) or submit_call(
        key.user, model=model, runs=plan.runs, origin=origin
    )
    answer = Answer(
        plan=plan,
        submitted=submitted,
        model_name=body.model,
        texts=token_texts(model.deployment),
        provenance=engine_status(model.deployment).provenance,
        return_token_ids=bool(body.return_token_ids),
        prompt_logprobs=body.prompt_logprobs is not None,
    )
    return Accepted(answer, describe_limits(key.user, model=model))


def fingerprint(body: CompletionRequest) -> str:
    """The same for the same request, however its JSON was spaced."""
    text = json.dumps(body.model_dump(mode="json", exclude_unset=True), sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _find_earlier(key: ApiKey, origin: CallOrigin, repetition: Repetition) -> Submitted | None:
    if repetition.idempotency_key:
        return find_call_by_key(
            key.user, repetition.idempotency_key, fingerprint=origin.fingerprint
        )
    if repetition.is_retry:
        return find_repeated_call(key.user, fingerprint=origin.fingerprint, at=timezone.now())
    return None


def _stream(accepted: Accepted, body: CompletionRequest) -> StreamingHttpResponse:
    options = body.stream_options
    pieces = _attended(accepted.answer, include_usage=bool(options and options.include_usage))
    response = StreamingHttpResponse(
        pieces, content_type="text/event-stream; charset=utf-8", headers=dict(accepted.headers)
    )
    response["Cache-Control"] = "no-cache, no-transform"
    response["X-Accel-Buffering"] = "no"
    return response


async def _attended(answer: Answer, *, include_usage: bool) -> AsyncIterator[bytes]:
    """The whole stream; after a failure it says so and ends."""
    async with attend(answer.submitted.call.pk, answer.submitted.jobs) as attendance:
        yield b": accepted\n\n"
        pieces = stream_pieces(answer, include_usage=include_usage)
        try:
            async with aclosing(pieces) as frames:  # type: ignore[type-var]  # it is a generator
                async for piece in frames:
                    yield piece
        except StreamFailedError as failure:
            attendance.give_up()
            yield frame(describe_error(failure.error))
        yield DONE


def _dump(answer: Answer, completions: Sequence[Completion]) -> bytes:
    """In a thread: the log-probabilities of a long prompt take their time."""
    return json.dumps(assemble(answer, completions), allow_nan=False).encode()
