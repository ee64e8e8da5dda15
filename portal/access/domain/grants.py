"""What a reviewer does with a right that was given: suspend, resume, revoke."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from portal.access.domain.commands import move_grant, require_text
from portal.access.enums import HELD_STATES, Capability, Command, GrantState, Role
from portal.access.models import Application, Grant, Step
from portal.access.signals import access_ended
from portal.accounts.models import User
from portal.audit.domain.record import record
from portal.audit.enums import AuditTag
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError


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
    """Give a suspended grant back, until its old end date."""
    reason = _require_reason(reason)
    return move_grant(grant, Command.RESUME, by=by, role=Role.REVIEWER, note=reason, reason="")


def lock_replaced_grants(application: Application, *, models: Sequence[HostedModel]) -> list[Grant]:
    """The applicant's active grants for `models`, locked; what an approval will replace.

    A person holds one grant for a model. An earlier one, still running or run out, is
    superseded: what holds is exactly what was approved last, wider or narrower.
    Raises `DomainError` with code `grant_suspended` when a suspended one is in the way: an
    approval must not lift a suspension by the way.
    """
    # Locked before the application moves, as the audit log must be the last lock of all.
    held = list(
        Grant.objects.select_for_update(of=("self",))
        .filter(user_id=application.applicant_id, model__in=models, state__in=HELD_STATES)
        .select_related("model")
        .order_by("pk")
    )
    suspended = [grant for grant in held if grant.state == GrantState.SUSPENDED]
    if suspended:
        raise DomainError(
            "grant_suspended",
            f"The applicant's access to {suspended[0].model} is suspended. "
            "Resume or revoke it first.",
            field="models",
        )
    return held


def supersede_grants(grants: Sequence[Grant], *, by: User) -> None:
    """Retire grants in favour of the ones that are made next, in the same transaction."""
    for grant in grants:
        move_grant(grant, Command.SUPERSEDE, by=by, role=Role.SYSTEM)


def create_grants(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
) -> list[Grant]:
    """One grant for each model, from now, in the caller's transaction."""
    starts_at = timezone.now()
    grants = [
        Grant.objects.create(
            user_id=application.applicant_id,
            model=model,
            application=application,
            capabilities=list(capabilities),
            starts_at=starts_at,
            ends_at=ends_at,
        )
        for model in models
    ]
    for grant in grants:
        record(
            AuditTag.GRANT_MADE,
            actor=by,
            subject=f"grant:{grant.pk}",
            data={
                "application": application.case_number,
                "model": grant.model.slug,
                "capabilities": sorted(grant.capabilities),
                "ends_at": ends_at.isoformat(),
            },
        )
    return grants


def _end(grant: Grant, command: Command, *, by: User, reason: str) -> Step:
    reason = _require_reason(reason)
    step = move_grant(grant, command, by=by, role=Role.REVIEWER, note=reason, reason=reason)
    ended = {"user_id": grant.user_id, "model_id": grant.model_id, "grant_id": grant.pk}
    transaction.on_commit(lambda: _tell(ended), robust=True)
    return step


def _tell(ended: dict[str, int]) -> None:
    access_ended.send_robust(sender=Grant, **ended)


def _require_reason(reason: str) -> str:
    return require_text(reason, field="reason", message="Say why. The researcher will read it.")
