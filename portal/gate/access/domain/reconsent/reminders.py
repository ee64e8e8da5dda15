"""Reminding many people by hand to sign a changed licence again, tried out first."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.reconsent.announcements import REMINDED, post_reconsent
from portal.gate.access.domain.reconsent.outdated import (
    OutdatedFilter,
    describe_outdated,
    find_outdated,
)
from portal.gate.access.domain.workflow.separation import require_reviewer
from portal.gate.licensing.models import Licence, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LIMIT: Final = 50
PAUSE: Final = timedelta(days=7)
"""Nobody is told of the same change more often by hand."""


@dataclass(frozen=True)
class Reminder:
    """What became, or would become, of one signature's person."""

    signature: Signature
    is_done: bool
    message: str


def try_reminders(signatures: Collection[int], *, by: User) -> list[Reminder]:
    """What `send_reminders` would do now. The very commands run, and are rolled back.

    Raises as `send_reminders` does.
    """
    with transaction.atomic():
        outcomes = send_reminders(signatures, by=by)
        transaction.set_rollback(True)
    return outcomes


def send_reminders(signatures: Collection[int], *, by: User) -> list[Reminder]:
    """Remind the person of each of the outdated signatures, each with an event of its own.

    One that is refused stops none of the others. Raises `DomainError`: `nothing_chosen`,
    `too_many`, `reviewers_only`.
    """
    require_reviewer(by)
    if not signatures:
        raise DomainError(RefusalCode.NOTHING_CHOSEN, "Choose at least one person.")
    if len(signatures) > LIMIT:
        raise DomainError(RefusalCode.TOO_MANY, f"At most {LIMIT} people at once.")
    chosen = Signature.objects.filter(pk__in=signatures).select_related("user", "version__licence")
    return [_try(signature, by=by) for signature in chosen.defer("text").order_by("pk")]


def _try(signature: Signature, *, by: User) -> Reminder:
    try:
        with transaction.atomic():
            _remind(signature, by=by)
    except DomainError as error:
        return Reminder(signature, is_done=False, message=error.message)
    return Reminder(signature, is_done=True, message="")


def _remind(signature: Signature, *, by: User) -> None:
    # The lock that signing takes: whoever signs at this moment is asked before or not at all.
    Licence.objects.select_for_update().get(pk=signature.version.licence_id)
    now = timezone.now()
    found = find_outdated(OutdatedFilter(), at=now).filter(pk=signature.pk)
    rows = describe_outdated(found, at=now)
    if not rows:
        raise DomainError(RefusalCode.NOTHING_TO_SIGN, "There is nothing to sign again any more.")
    (row,) = rows
    if row.told_at is not None and now < row.told_at + PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON,
            f"They were told on {row.told_at:%-d %B}. Wait a week before telling again.",
        )
    post_reconsent(signature.user, kind=REMINDED, change=row.version)
    record(
        AuditTag.RECONSENT_REMINDED,
        actor=by,
        subject=f"signature:{signature.pk}",
        data={"version": row.version.pk},
    )
