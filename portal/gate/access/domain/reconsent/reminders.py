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
"""The least time between two mails about the same change, if the second is sent by hand."""


@dataclass(frozen=True)
class Reminder:
    """The result for one signature's person, carried out or tried."""

    signature: Signature
    is_done: bool
    message: str


def try_reminders(signatures: Collection[int], *, by: User) -> list[Reminder]:
    """What `send_reminders` would do now: the commands themselves run, and are rolled back.

    Raises what `send_reminders` raises.
    """
    with transaction.atomic():
        outcomes = send_reminders(signatures, by=by)
        transaction.set_rollback(True)
    return outcomes


def send_reminders(signatures: Collection[int], *, by: User) -> list[Reminder]:
    """Remind the person of each outdated signature, each with its own event.

    A refused one does not stop the others. Raises `DomainError`: `nothing_chosen`,
    `too_many`, `reviewers_only`.
    """
    require_reviewer(by)
    if not signatures:
        raise DomainError(RefusalCode.NOTHING_CHOSEN, "Choose at least one person.")
    if len(signatures) > LIMIT:
        raise DomainError(RefusalCode.TOO_MANY, f"Choose at most {LIMIT} people.")
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
    # The lock that signing takes: a person who signs now got the mail before, or gets none.
    Licence.objects.select_for_update().get(pk=signature.version.licence_id)
    now = timezone.now()
    found = find_outdated(OutdatedFilter(), at=now).filter(pk=signature.pk)
    rows = describe_outdated(found, at=now)
    if not rows:
        raise DomainError(
            RefusalCode.NOTHING_TO_SIGN, "This person no longer has anything to sign again."
        )
    (row,) = rows
    if row.told_at is not None and now < row.told_at + PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON,
            f"They got a mail on {row.told_at:%-d %B}. Wait a week before you send another.",
        )
    post_reconsent(signature.user, kind=REMINDED, change=row.version)
    record(
        AuditTag.RECONSENT_REMINDED,
        actor=by,
        subject=f"signature:{signature.pk}",
        data={"version": row.version.pk},
    )
