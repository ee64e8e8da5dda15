"""What a reviewer does with a grant: suspend, resume, revoke."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import OuterRef, Subquery
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import move_grant, require_text
from portal.gate.access.enums import HELD_STATES, Capability, Command, GrantState, Role
from portal.gate.access.models import Application, Grant, Step
from portal.gate.access.signals import access_ended, grant_made
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def suspend_grant(grant: Grant, *, by: User, reason: str) -> Step:
    """Stop a grant for now; running jobs end with it."""
    return _end(grant, Command.SUSPEND, by=by, reason=reason)


@transaction.atomic
def revoke_grant(grant: Grant, *, by: User, reason: str) -> Step:
    """End a grant for good; running jobs end with it."""
    return _end(grant, Command.REVOKE, by=by, reason=reason)


@transaction.atomic
def resume_grant(grant: Grant, *, by: User, reason: str) -> Step:
    """Resume a suspended grant, until its old end date."""
    reason = _require_reason(reason)
    return move_grant(grant, Command.RESUME, by=by, role=Role.REVIEWER, note=reason, reason="")


def lock_replaced_grants(application: Application, *, models: Sequence[HostedModel]) -> list[Grant]:
    """The applicant's held grants for `models`, locked; an approval will replace them.

    A person holds one grant for a model. An earlier one, in force or expired, is superseded:
    only what was approved last counts, wider or narrower. So are the grants of this
    application that were halted when it was reopened.
    Raises `DomainError` with code `grant_suspended` if a reviewer suspended one of them: an
    approval must not lift a suspension as a side effect.
    """
    # Locked before the application moves, as the audit log must be the last lock of all.
    held = list(
        Grant.objects.select_for_update(of=("self",))
        .filter(user_id=application.applicant_id, model__in=models, state__in=HELD_STATES)
        .select_related("model")
        .order_by("pk")
    )
    halted = {grant.pk for grant in lock_halted_grants(application)}
    for grant in held:
        if grant.state == GrantState.SUSPENDED and grant.pk not in halted:
            raise DomainError(
                RefusalCode.GRANT_SUSPENDED,
                f"The applicant's access to {grant.model} is suspended. Resume or revoke it first.",
                field="models",
            )
    return held


def lock_halted_grants(application: Application) -> list[Grant]:
    """The application's grants that are suspended because it was reopened, locked."""
    newest = Step.objects.filter(grant=OuterRef("pk")).order_by("-at", "-id").values("command")
    return list(
        Grant.objects.select_for_update(of=("self",))
        .alias(newest_command=Subquery(newest[:1]))
        .filter(
            application=application,
            lead=None,
            state=GrantState.SUSPENDED,
            newest_command=Command.HALT,
        )
        .order_by("pk")
    )


def lock_active_grants(application: Application) -> list[Grant]:
    """The application's grants that are active, locked."""
    return list(
        Grant.objects.select_for_update(of=("self",))
        .filter(application=application, lead=None, state=GrantState.ACTIVE)
        .order_by("pk")
    )


def supersede_grants(grants: Sequence[Grant], *, by: User) -> None:
    """Retire grants in favour of those made next, in the same transaction."""
    for grant in grants:
        move_grant(grant, Command.SUPERSEDE, by=by, role=Role.SYSTEM)


def halt_grants(grants: Sequence[Grant], *, by: User, reason: str) -> None:
    """Suspend grants while their application is open again; running jobs end."""
    for grant in grants:
        move_grant(grant, Command.HALT, by=by, role=Role.SYSTEM, note=reason, reason=reason)
        announce_end(grant)


def end_grants(grants: Sequence[Grant], *, by: User | None, reason: str) -> None:
    """End halted grants for good, after their application was refused, withdrawn or closed."""
    for grant in grants:
        move_grant(grant, Command.END, by=by, role=Role.SYSTEM, note=reason, reason=reason)


def void_grants(grants: Sequence[Grant], *, by: User) -> None:
    """Take back grants with the decision that made them; running jobs end."""
    for grant in grants:
        move_grant(grant, Command.VOID, by=by, role=Role.SYSTEM)
        announce_end(grant)


def put_back_grants(grants: Sequence[Grant], *, before: Mapping[int, str], by: User) -> None:
    """Give grants the state, active or halted, that they had before a decision moved them."""
    for grant in grants:
        was_active = before[grant.pk] == GrantState.ACTIVE
        command = Command.RESTORE if was_active else Command.HALT
        move_grant(grant, command, by=by, role=Role.SYSTEM)


def create_grants(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
    running: Collection[int] = (),
) -> list[Grant]:
    """One grant for each model, in the caller's transaction.

    It begins when the applicant is notified. If they already hold one for the model
    (`running`), that one is replaced without a gap.
    """
    now = timezone.now()
    later = max(now, application.effective_at or now)
    grants = [
        Grant.objects.create(
            user_id=application.applicant_id,
            model=model,
            application=application,
            capabilities=list(capabilities),
            starts_at=now if model.pk in running else later,
            ends_at=ends_at,
        )
        for model in models
    ]
    for grant in grants:
        record_made(grant, by=by)
    return grants


def record_made(grant: Grant, *, by: User) -> None:
    """Record a new grant, so that the event can rebuild it, and send `grant_made`."""
    grant_made.send(sender=Grant, grant=grant)
    data: dict[str, object] = {
        "application": grant.application.case_number,
        "model": grant.model.slug,
        "capabilities": sorted(grant.capabilities),
        "ends_at": grant.ends_at.isoformat(),
    }
    if grant.lead_id is not None:
        data["lead"] = grant.lead_id
    record(AuditTag.GRANT_MADE, actor=by, subject=f"grant:{grant.pk}", data=data)


def announce_end(grant: Grant) -> None:
    """Tell the capabilities above, after the commit, that a grant and those that follow it are
    no longer in force.
    """
    following = Grant.objects.filter(
        lead=grant.user_id, model=grant.model_id, state=GrantState.ACTIVE
    )
    for each in (grant, *(following if grant.lead_id is None else ())):
        ended = {"user_id": each.user_id, "model_id": each.model_id, "grant_id": each.pk}
        notify = partial(access_ended.send_robust, sender=Grant, **ended)
        transaction.on_commit(notify, robust=True)


def _end(grant: Grant, command: Command, *, by: User, reason: str) -> Step:
    reason = _require_reason(reason)
    step = move_grant(grant, command, by=by, role=Role.REVIEWER, note=reason, reason=reason)
    announce_end(grant)
    return step


def _require_reason(reason: str) -> str:
    return require_text(reason, field="reason", message="Say why. The researcher will read it.")
