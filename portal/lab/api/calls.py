"""The steps of every route that runs a model: accept the runs once, then wait for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, Protocol, TypeVar

from django.http import HttpRequest
from django.utils import timezone
from pydantic import BaseModel

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.authentication import require_scope
from portal.gate.keys.models import ApiKey
from portal.lab.api.auth import key_of
from portal.lab.api.bodies import is_light
from portal.lab.completions.domain.collect import collect
from portal.lab.completions.domain.failures import require_done
from portal.lab.completions.domain.models import find_model
from portal.lab.jobs.domain.access import explain_ended_access
from portal.lab.jobs.domain.admission import AccessRefused, Run, require_access
from portal.lab.jobs.domain.calls import (
    CallOrigin,
    Submitted,
    count_tokens_of,
    find_call_by_key,
    find_repeated_call,
    submit_call,
)
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.stream.reader_presence import cancel_when_reader_leaves, leave_unread
from portal.platform.core.database import in_database, read_database
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.idempotency import (
    IDEMPOTENCY_KEY,
    hash_request,
    read_idempotency_key,
)
from portal.platform.core.refusals import RefusalCode
from portal.platform.core.turns import in_turn

RETRIES: Final = re.compile("0*[1-9][0-9]*")
PROMPTS: Final = {"prompt", "items", "context", "continuations", "messages", "prediction"}
"""Fields with text that people wrote, which a call's row does not store."""

Plan = TypeVar("Plan")
Source = TypeVar("Source")


class Accepted(Protocol):
    """The result of accepting a request."""

    @property
    def submitted(self) -> Submitted: ...


AnyAccepted = TypeVar("AnyAccepted", bound=Accepted)


@dataclass(frozen=True)
class AcceptedFrom(Generic[Source]):
    """Runs, and the source they were made from."""

    source: Source
    submitted: Submitted


@dataclass(frozen=True)
class Caller:
    """The caller, and whether the request claims to be a repetition."""

    key: ApiKey
    endpoint: str
    idempotency_key: str
    is_retry: bool
    is_strict: bool
    """Unknown fields are refused instead of ignored."""


def read_caller(request: HttpRequest, *, endpoint: str) -> Caller:
    """Read the request's headers; raises `DomainError`."""
    idempotency_key = read_idempotency_key(request.headers.get(IDEMPOTENCY_KEY, ""))
    strict = request.headers.get("Gatehouse-Strict", "false").lower()
    if strict not in {"true", "false"}:
        raise invalid_value("Gatehouse-Strict is true or false.", field="Gatehouse-Strict")
    count = request.headers.get("X-Stainless-Retry-Count", "")
    return Caller(
        key=key_of(request),
        endpoint=endpoint,
        idempotency_key=idempotency_key,
        is_retry=RETRIES.fullmatch(count) is not None,
        is_strict=strict == "true",
    )


def open_model(caller: Caller, name: str, *, scope: KeyScope) -> HostedModel:
    """The model, if person and key may use it for the scope; raises `DomainError` if not."""
    model = find_model(name, key=caller.key)
    require_scope(caller.key, scope, model)
    require_access(caller.key.user, model, Origin.API)
    return model


@dataclass(frozen=True)
class Steps(Generic[Plan, AnyAccepted]):
    """How a request becomes runs; each step raises `DomainError`."""

    open: Callable[[], HostedModel]
    plan: Callable[[HostedModel], Plan]
    """Uses no database; for a large request it occupies a core for a while."""
    runs: Callable[[Plan], Sequence[Run]]
    submit: Callable[[HostedModel, Plan], AnyAccepted]


async def take_steps(
    request: HttpRequest, caller: Caller, steps: Steps[Plan, AnyAccepted]
) -> AnyAccepted:
    """Take all steps in one database thread; plan a large request when it is the person's turn."""

    def plan(model: HostedModel) -> Plan:
        planned = steps.plan(model)
        count_tokens_of(steps.runs(planned), model=model)
        return planned

    def take_all() -> AnyAccepted:
        model = steps.open()
        return steps.submit(model, steps.plan(model))

    if is_light(request):
        return await accept(take_all)
    model = await in_database(steps.open)
    planned = await in_turn(caller.key.user_id, lambda: plan(model))
    return await accept(lambda: steps.submit(model, planned))


async def accept(submit: Callable[[], AnyAccepted]) -> AnyAccepted:
    """Submit in a database thread. If the client leaves meanwhile, its runs are stopped."""

    def leave(accepted: Accepted) -> None:
        leave_unread(accepted.submitted.call.pk, accepted.submitted.jobs)

    return await in_database(submit, unread=leave)


def find_or_submit(
    caller: Caller, body: BaseModel, *, model: HostedModel, runs: Sequence[Run]
) -> Submitted:
    """The runs of the first attempt if the request is a repetition, otherwise new runs."""
    origin = CallOrigin(
        endpoint=caller.endpoint,
        key=caller.key,
        fingerprint=hash_request(caller.endpoint, body.model_dump(mode="json", exclude_unset=True)),
        request=body.model_dump(mode="json", exclude=PROMPTS, exclude_unset=True),
        idempotency_key=caller.idempotency_key,
    )
    return _find_earlier(caller, origin) or submit_call(
        caller.key.user, model=model, runs=runs, origin=origin
    )


async def wait_for(submitted: Submitted) -> list[Completion]:
    """The completions, all finished; raises `DomainError` if a run failed or was stopped.

    If the client disconnects meanwhile, the runs are stopped.
    """
    async with cancel_when_reader_leaves(submitted.call.pk, submitted.jobs):
        completions = await collect(submitted.jobs)
    try:
        require_done(completions)
    except DomainError as error:
        raise await explain_failure(error, submitted) from None
    return completions


async def explain_failure(error: DomainError, submitted: Submitted) -> DomainError:
    """The error itself; for ended access, the refusal that a new request would get."""
    if error.code != RefusalCode.ACCESS_ENDED:
        return error
    job_id = submitted.jobs[0].pk
    decision = await read_database(lambda: explain_ended_access(job_id))
    return error if decision is None else AccessRefused(decision)


def _find_earlier(caller: Caller, origin: CallOrigin) -> Submitted | None:
    user = caller.key.user
    if caller.idempotency_key:
        return find_call_by_key(user, caller.idempotency_key, fingerprint=origin.fingerprint)
    if caller.is_retry:
        return find_repeated_call(user, fingerprint=origin.fingerprint, at=timezone.now())
    return None
