"""Carrying out a command on a renewal: who may give it, the move, its step, event and mail."""

from __future__ import annotations

from datetime import datetime

from django.db import connection, transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import Role
from portal.gate.access.rules import compare_and_set
from portal.gate.renewals.domain.history import name_actor
from portal.gate.renewals.domain.mail import mail_step
from portal.gate.renewals.enums import RenewalCommand, RenewalState
from portal.gate.renewals.models import Renewal, RenewalStep
from portal.gate.renewals.rules import RENEWAL_COMMANDS
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import LostRace

TAGS = {
    RenewalCommand.SUBMIT: AuditTag.RENEWAL_SUBMITTED,
    RenewalCommand.WITHDRAW: AuditTag.RENEWAL_WITHDRAWN,
    RenewalCommand.CLAIM: AuditTag.RENEWAL_CLAIMED,
    RenewalCommand.RELEASE: AuditTag.RENEWAL_RELEASED,
    RenewalCommand.RETURN: AuditTag.RENEWAL_RETURNED,
    RenewalCommand.ENDORSE: AuditTag.RENEWAL_ENDORSED,
    RenewalCommand.APPROVE: AuditTag.RENEWAL_APPROVED,
    RenewalCommand.REFUSE: AuditTag.RENEWAL_REFUSED,
    RenewalCommand.LAPSE: AuditTag.RENEWAL_LAPSED,
}


def move_renewal(
    renewal: Renewal,
    command: RenewalCommand,
    *,
    by: User | None,
    role: Role,
    note: str = "",
    seen: int | None = None,
    approved_until: datetime | None = None,
    **changes: object,
) -> RenewalStep:
    """Carry out `command` in the caller's transaction and return the step that records it.

    `seen` is the revision that the person saw, `approved_until` an end that they agree to.
    Raises `DomainError` (`reviewers_only`, `own_renewal`, `not_your_renewal`) and `LostRace`,
    which says what the state is now and who set it.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a command needs a transaction")
    old = RenewalState(renewal.state)
    to = check_renewal(renewal, command, by=by, role=role, seen=seen)
    if not compare_and_set(Renewal.objects.all(), renewal, state=to, **changes):
        raise lost_renewal(renewal, viewer=by)
    step = RenewalStep.objects.create(
        renewal=renewal,
        command=command,
        actor=by,
        note=note.strip(),
        ends_at=approved_until,
        at=timezone.now(),
    )
    data: dict[str, object] = {"from": str(old), "to": str(to)}
    if approved_until is not None:
        data["ends_at"] = approved_until.isoformat()
    record(TAGS[command], actor=by, subject=f"renewal:{renewal.pk}", data=data)
    mail_step(step)
    return step


def check_renewal(
    renewal: Renewal,
    command: RenewalCommand,
    *,
    by: User | None,
    role: Role,
    seen: int | None = None,
) -> RenewalState:
    """The state that `command` leads to; raises as `move_renewal` does, and changes nothing."""
    require_role(by, role, owner_id=renewal.holder_id, what="renewal")
    to = RENEWAL_COMMANDS.get((RenewalState(renewal.state), role, command))
    if to is None or seen not in (None, renewal.revision):
        raise lost_renewal(renewal, viewer=by)
    return to


def lost_renewal(renewal: Renewal, *, viewer: User | None) -> LostRace:
    """The error for a command that came too late: the state now, and who set it."""
    renewal.refresh_from_db(fields=["state", "revision"])
    state = str(RenewalState(renewal.state).label).lower()
    now = f"Nothing was changed. This renewal is now “{state}”"
    step = renewal.steps.select_related("actor", "renewal").last()
    if step is None:
        return LostRace(f"{now}.")
    command = str(RenewalCommand(step.command).label).lower()
    who = name_actor(step, viewer=viewer)
    return LostRace(f"{now}: {command} by {who} on {step.at:%d %B %Y at %H:%M} UTC.")
