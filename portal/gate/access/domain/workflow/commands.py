"""Carrying out a command: permission, the move itself, its step, audit event and mail."""

from __future__ import annotations

from collections.abc import Mapping

from django.db import connection, transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.lost_races import lost_application, lost_grant
from portal.gate.access.domain.workflow.mail import dispatch_mail
from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import (
    HELD_COMMANDS,
    ApplicationState,
    Command,
    GrantState,
    Role,
)
from portal.gate.access.models import Application, Grant, Step
from portal.gate.access.rules import APPLICATION_COMMANDS, GRANT_COMMANDS, compare_and_set
from portal.gate.access.signals import step_made
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.domain_names import canonical_address
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

APPLICATION_TAGS = {
    Command.SUBMIT: AuditTag.APPLICATION_SUBMITTED,
    Command.WITHDRAW: AuditTag.APPLICATION_WITHDRAWN,
    Command.RETURN: AuditTag.APPLICATION_RETURNED,
    Command.ENDORSE: AuditTag.APPLICATION_ENDORSED,
    Command.APPROVE: AuditTag.APPLICATION_APPROVED,
    Command.REJECT: AuditTag.APPLICATION_REJECTED,
    Command.APPEAL: AuditTag.APPLICATION_APPEALED,
    Command.CLAIM: AuditTag.APPLICATION_CLAIMED,
    Command.RELEASE: AuditTag.APPLICATION_RELEASED,
    Command.HAND_OVER: AuditTag.APPLICATION_HANDED_OVER,
    Command.REMIND: AuditTag.APPLICATION_REMINDED,
    Command.LAPSE: AuditTag.APPLICATION_LAPSED,
    Command.TAKE_BACK: AuditTag.APPLICATION_TAKEN_BACK,
    Command.REOPEN: AuditTag.APPLICATION_REOPENED,
}
GRANT_TAGS = {
    Command.SUSPEND: AuditTag.GRANT_SUSPENDED,
    Command.RESUME: AuditTag.GRANT_RESUMED,
    Command.REVOKE: AuditTag.GRANT_REVOKED,
    Command.SUPERSEDE: AuditTag.GRANT_SUPERSEDED,
    Command.HALT: AuditTag.GRANT_HALTED,
    Command.END: AuditTag.GRANT_ENDED,
    Command.VOID: AuditTag.GRANT_VOIDED,
    Command.RESTORE: AuditTag.GRANT_RESTORED,
    Command.LEAVE: AuditTag.GRANT_LEFT,
    Command.EXTEND: AuditTag.GRANT_EXTENDED,
    Command.GIVE_BACK: AuditTag.GRANT_GIVEN_BACK,
}


def move_application(
    application: Application,
    command: Command,
    *,
    by: User | None,
    role: Role,
    note: str = "",
    seen: int | None = None,
    data: Mapping[str, object] | None = None,
    **changes: object,
) -> Step:
    """Carry out `command` in the caller's transaction and return its step.

    `by` is None where the clock does it (`Role.SYSTEM`). `seen` is the revision that the person
    saw; it defaults to that of `application`. Raises `DomainError`
    (`reviewers_only`, `own_application`, `own_team`, `not_your_application`) and
    `LostRace`, which says what the state is now and who set it.
    """
    _require_transaction()
    old = ApplicationState(application.state)
    to = check_application(application, command, by=by, role=role, seen=seen)
    if not compare_and_set(Application.objects.all(), application, state=to, **changes):
        raise lost_application(application, viewer=by)
    step = Step.objects.create(
        application=application, command=command, actor=by, note=note.strip(), at=timezone.now()
    )
    step_made.send(sender=Step, step=step)
    record(
        APPLICATION_TAGS[command],
        actor=by,
        subject=f"application:{application.case_number}",
        data={"from": str(old), "to": str(to), "step": step.pk, **(data or {})},
    )
    held = application.effective_at if command in HELD_COMMANDS else None
    dispatch_mail(step, not_before=held)
    return step


def check_application(
    application: Application,
    command: Command,
    *,
    by: User | None,
    role: Role,
    seen: int | None = None,
) -> ApplicationState:
    """The state after `command`; raises what `move_application` raises, and changes nothing."""
    require_role(by, role, owner_id=application.applicant_id, what="application")
    to = APPLICATION_COMMANDS.get((ApplicationState(application.state), role, command))
    if to is None or seen not in (None, application.revision):
        raise lost_application(application, viewer=by)
    return to


def move_grant(
    grant: Grant,
    command: Command,
    *,
    by: User | None,
    role: Role,
    note: str = "",
    data: Mapping[str, object] | None = None,
    **changes: object,
) -> Step:
    """Carry out `command` on a grant, with the guarantees of `move_application`."""
    _require_transaction()
    require_role(by, role, owner_id=grant.user_id, what="grant")
    old = GrantState(grant.state)
    to = GRANT_COMMANDS.get((old, role, command))
    if to is None or not compare_and_set(Grant.objects.all(), grant, state=to, **changes):
        raise lost_grant(grant, viewer=by)
    step = Step.objects.create(
        application_id=grant.application_id,
        grant=grant,
        command=command,
        actor=by,
        note=note.strip(),
        at=timezone.now(),
    )
    step_made.send(sender=Step, step=step)
    record(
        GRANT_TAGS[command],
        actor=by,
        subject=f"grant:{grant.pk}",
        data={"from": str(old), "to": str(to), "step": step.pk, **(data or {})},
    )
    dispatch_mail(step)
    return step


def require_text(text: str, *, field: str, message: str) -> str:
    """The text without surrounding space; raises `DomainError` about `field` if it is empty."""
    stripped = text.strip()
    if not stripped:
        raise DomainError(RefusalCode.TEXT_MISSING, message, field=field)
    return stripped


def require_address(email: str, *, message: str) -> str:
    """An e-mail address in its canonical form; raises `DomainError` about the field `email`
    (`text_missing`, `invalid_address`).
    """
    email = require_text(email, field="email", message=message)
    try:
        return canonical_address(email)
    except ValueError as error:
        raise DomainError(
            RefusalCode.INVALID_ADDRESS, f"{error}. Check the address.", field="email"
        ) from None


def require_announced(application: Application) -> None:
    """Raise `DomainError` (`application_pending`) while a decision is held: the applicant
    does not know of it yet.
    """
    if application.is_held(at=timezone.now()):
        raise DomainError(
            RefusalCode.APPLICATION_PENDING,
            f"Your application {application.case_number} is with a reviewer now. "
            "Try again in a few minutes.",
        )


def _require_transaction() -> None:
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("a command needs a transaction")
