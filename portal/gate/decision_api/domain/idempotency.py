"""The same request under the same idempotency key decides once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.db import IntegrityError, transaction
from django.utils import timezone

from portal.gate.access.models import Step
from portal.gate.decision_api.models import DecisionRequest
from portal.platform.accounts.models import User
from portal.platform.core.idempotency import require_same_request


@dataclass(frozen=True)
class IdempotentRequest:
    """A request to decide: by whom, under which key if any, and a hash of its content."""

    by: User
    fingerprint: str
    idempotency_key: str = ""


@dataclass(frozen=True)
class Decided:
    """The step, and whether it had been made before."""

    step: Step
    is_repeat: bool = False


def decide_once(asked: IdempotentRequest, decide: Callable[[], Step]) -> Decided:
    """Call `decide`, or return the step that the same request made before.

    Of two concurrent requests, one waits for the other. A refused request leaves the key free.
    Raises `DomainError` with code `idempotency_key_reused` for another request under the key,
    and whatever `decide` raises.
    """
    if not asked.idempotency_key:
        return Decided(decide())
    with transaction.atomic():
        row, is_new = _take(asked)
        if not is_new:
            return Decided(_read(row, asked), is_repeat=True)
        row.step = decide()
        row.save(update_fields=["step"])
    return Decided(row.step)


def _take(asked: IdempotentRequest) -> tuple[DecisionRequest, bool]:
    try:
        with transaction.atomic():
            row = DecisionRequest.objects.create(
                user=asked.by,
                idempotency_key=asked.idempotency_key,
                fingerprint=asked.fingerprint,
                at=timezone.now(),
            )
    except IntegrityError:
        found = DecisionRequest.objects.select_related("step")
        return found.get(user=asked.by, idempotency_key=asked.idempotency_key), False
    return row, True


def _read(row: DecisionRequest, asked: IdempotentRequest) -> Step:
    require_same_request(asked.fingerprint, earlier=row.fingerprint)
    assert row.step is not None  # noqa: S101 -- the row's own transaction made it
    return row.step
