"""Merging two accounts of one person: an event, never a deletion."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import require_other, require_reviewer
from portal.gate.access.enums import HELD_STATES, OPEN_STATES
from portal.gate.access.models import AccountMerge, Application, Grant
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def merge_accounts(*, kept: User, merged: User, by: User, reason: str) -> AccountMerge:
    """Close `merged` in favour of `kept`; its past shows in the dossier of `kept` from now on.

    Nothing moves: signatures and grants stay with the account that got them. So an account with
    an open application or access in force is not closed. Raises `DomainError`:
    `reviewers_only`, `own_person`, `staff_account`, `text_missing`, `account_in_use`;
    `LostRace` when either was closed meanwhile.
    """
    require_reviewer(by)
    require_other(kept.pk, by=by, what="person")
    require_other(merged.pk, by=by, what="person")
    reason = require_text(reason, field="reason", message="Say how you know that it is one person.")
    pair = (kept.pk, merged.pk)
    locked = {user.pk: user for user in User.objects.select_for_update().filter(pk__in=pair)}
    if kept.pk == merged.pk or not all(user.is_active for user in locked.values()):
        raise LostRace("Nothing was changed. One of the accounts is closed.")
    if locked[merged.pk].is_reviewer or locked[merged.pk].is_staff:
        raise DomainError(
            RefusalCode.STAFF_ACCOUNT, "Only an operator can close accounts of reviewers and staff."
        )
    _require_idle(merged)
    User.objects.filter(pk=merged.pk).update(is_active=False)
    merge = AccountMerge.objects.create(
        kept=kept, merged=merged, reason=reason, by=by, at=timezone.now()
    )
    record(
        AuditTag.ACCOUNTS_MERGED,
        actor=by,
        subject=f"user:{kept.pk}",
        data={"merged": merged.pk},
    )
    return merge


def accounts_of(user: User) -> list[int]:
    """The account's id and those of all that were merged into it, directly or not."""
    known, new = {user.pk}, {user.pk}
    while new:
        found = AccountMerge.objects.filter(kept__in=new).values_list("merged", flat=True)
        new = set(found) - known
        known |= new
    return sorted(known)


def _require_idle(user: User) -> None:
    application = Application.objects.filter(applicant=user, state__in=OPEN_STATES).first()
    if application is not None:
        raise DomainError(
            RefusalCode.ACCOUNT_IN_USE,
            f"This account's application {application.case_number} is open. Decide on it first.",
        )
    grants = Grant.objects.filter(user=user, state__in=HELD_STATES, ends_at__gt=timezone.now())
    if grants.exists():
        raise DomainError(
            RefusalCode.ACCOUNT_IN_USE,
            "This account has access. Keep it and close the other, or revoke the access first.",
        )
