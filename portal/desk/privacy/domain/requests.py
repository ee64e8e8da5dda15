"""Requesting an erasure, and taking the request back before it is carried out."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.desk.privacy.domain.mail import mail_person
from portal.desk.privacy.enums import PENDING_STATES, ErasureState
from portal.desk.privacy.models import ErasureRequest
from portal.gate.access.domain.desk.claims import held_claims
from portal.gate.renewals.enums import REVIEW_STATES
from portal.gate.renewals.models import Renewal
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode


def pending_request(person: User) -> ErasureRequest | None:
    """The person's request that is neither taken back nor carried out."""
    return ErasureRequest.objects.filter(person=person, state__in=PENDING_STATES).first()


@transaction.atomic
def request_erasure(person: User) -> ErasureRequest:
    """Request the person's erasure in ERASURE_WAIT_DAYS days, and notify them by mail.

    Raises `DomainError` with `already_requested`, or as `require_erasable` does.
    """
    # The lock serialises requests of one person.
    User.objects.select_for_update().get(pk=person.pk)
    now = timezone.now()
    if pending_request(person) is not None:
        raise DomainError(RefusalCode.ALREADY_REQUESTED, "You have already requested this.")
    require_erasable(person, at=now)
    asked = ErasureRequest.objects.create(
        person=person,
        requested_at=now,
        due_at=now + timedelta(days=settings.ERASURE_WAIT_DAYS),
    )
    mail_person("requested", asked)
    record(
        AuditTag.ERASURE_REQUESTED,
        actor=person,
        subject=f"user:{person.pk}",
        data={"request": asked.pk, "due_at": asked.due_at.isoformat()},
    )
    return asked


@transaction.atomic
def take_back_erasure(person: User) -> None:
    """Take back the person's open request, and notify them by mail.

    Raises `LostRace` if there is none, or if it is being carried out.
    """
    asked = pending_request(person)
    changed = asked is not None and ErasureRequest.objects.filter(
        pk=asked.pk, state=ErasureState.OPEN
    ).update(state=ErasureState.TAKEN_BACK, ended_at=timezone.now())
    if asked is None or not changed:
        raise LostRace("Nothing was changed. You have no open request for erasure.")
    mail_person("taken_back", asked)
    record(
        AuditTag.ERASURE_TAKEN_BACK,
        actor=person,
        subject=f"user:{person.pk}",
        data={"request": asked.pk},
    )


def require_erasable(person: User, *, at: datetime) -> None:
    """Raise `DomainError` while others depend on the person.

    `last_operator`: no other operator remains. `holds_claims`: the person has claimed reviews.
    """
    operators = User.objects.filter(is_staff=True, is_active=True)
    if person.is_staff and not operators.exclude(pk=person.pk).exists():
        raise DomainError(
            RefusalCode.LAST_OPERATOR,
            "You are the only operator. Make someone else an operator first.",
        )
    claims = _name_claims(person, at=at)
    if claims:
        raise DomainError(
            RefusalCode.HOLDS_CLAIMS,
            f"You hold {', '.join(claims)}. Release or hand over these claims first.",
            next_url=reverse("console:queue"),
        )


def _name_claims(person: User, *, at: datetime) -> list[str]:
    cases = held_claims(person, at=at).order_by("pk").values_list("case_number", flat=True)
    renewals = Renewal.objects.filter(
        claimed_by=person, claim_ends_at__gt=at, state__in=REVIEW_STATES
    ).order_by("pk")
    return [*map(str, cases), *map(str, renewals)]
