"""The hold: the minutes between a decision and its mail, in which it can be taken back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.rights.grants import put_back_grants, void_grants
from portal.gate.access.domain.workflow.commands import check_application, move_application
from portal.gate.access.domain.workflow.lost_races import lost_application
from portal.gate.access.domain.workflow.mail import withdraw_mail
from portal.gate.access.domain.workflow.separation import (
    require_free_claim,
    require_fresh_eyes,
    shares_domain,
)
from portal.gate.access.enums import ApplicationState, Command, ReasonCode, Role
from portal.gate.access.models import Application, Grant, Ruling, Step
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

MovedGrants = Sequence[tuple[int, str]]


def hold_ends_at(made_at: datetime) -> datetime:
    """When the applicant is notified of a decision made at a moment."""
    return made_at + timedelta(seconds=settings.DECISION_HOLD_SECONDS)


def require_may_rule(application: Application, *, by: User) -> None:
    """Raise `DomainError`: `claimed_by_other`, `decided_before`."""
    require_free_claim(application, by=by, at=timezone.now())
    require_fresh_eyes(application, by=by)


def rule(
    application: Application,
    command: Command,
    *,
    by: User,
    note: str,
    seen: int | None,
    reason_code: ReasonCode | None = None,
    field_notes: Mapping[str, str] | None = None,
    moved_grants: MovedGrants = (),
    data: Mapping[str, object] | None = None,
) -> Step:
    """Carry out a decision in the caller's transaction, with its hold; ends the claim.

    Raises what `move_application` and `require_may_rule` raise.
    """
    now = timezone.now()
    submitted_at = application.submitted_at or now
    is_final = command != Command.RETURN
    check_application(application, command, by=by, role=Role.REVIEWER, seen=seen)
    require_may_rule(application, by=by)
    step = move_application(
        application,
        command,
        by=by,
        role=Role.REVIEWER,
        note=note,
        seen=seen,
        data={
            **(data or {}),
            "reason": str(reason_code or ""),
            "effective_at": hold_ends_at(now).isoformat(),
            "same_domain": shares_domain(application, by),
        },
        decided_at=now if is_final else None,
        effective_at=hold_ends_at(now),
        claimed_by=None,
        claim_ends_at=None,
    )
    Ruling.objects.create(
        step=step,
        reason_code=reason_code or "",
        field_notes=dict(field_notes or {}),
        moved_grants=[list(pair) for pair in moved_grants],
        waited=now - submitted_at,
        made_at=now,
        effective_at=hold_ends_at(now),
    )
    return step


@transaction.atomic
def take_back_decision(
    application: Application, *, by: User, note: str = "", seen: int | None = None
) -> Step:
    """Undo the last decision within its hold, before the applicant is notified: the application
    is in review again, its grants are void, and those it replaced are restored.

    Raises `DomainError` (`hold_over`) if the applicant has been notified, and what
    `move_application` raises.
    """
    check_application(application, Command.TAKE_BACK, by=by, role=Role.REVIEWER, seen=seen)
    unmoved = Application.objects.filter(
        pk=application.pk, state=application.state, revision=application.revision
    )
    if not unmoved.exists():
        raise lost_application(application, viewer=by)
    ruling = _lock_ruling(application)
    if ruling is None or ruling.is_told(at=timezone.now()) or ruling.step.told_at:
        raise DomainError(
            RefusalCode.HOLD_OVER,
            f"{application.applicant_name} has already been notified. "
            "To change the decision, reopen the application with a reason.",
        )
    before = {int(pk): state for pk, state in ruling.moved_grants}
    grants = list(
        Grant.objects.select_for_update(of=("self",))
        .filter(pk__in=[*ruling.made_grants, *before])
        .order_by("pk")
    )
    step = move_application(
        application,
        Command.TAKE_BACK,
        by=by,
        role=Role.REVIEWER,
        note=note,
        seen=seen,
        effective_at=None,
        decided_at=None,
    )
    ruling.taken_back_at = step.at
    ruling.save(update_fields=["taken_back_at"])
    withdraw_mail(ruling.step)
    # In this order: a person holds one grant for a model.
    void_grants([grant for grant in grants if grant.pk not in before], by=by)
    put_back_grants([grant for grant in grants if grant.pk in before], before=before, by=by)
    return step


def current_ruling(application: Application) -> Ruling | None:
    """The last decision that was not taken back."""
    rulings = Ruling.objects.filter(step__application=application, taken_back_at=None)
    return rulings.select_related("step__actor").order_by("-made_at", "-pk").first()


def reapply_at(application: Application) -> datetime | None:
    """When a refused person may submit a new application; None if at once."""
    if application.state != ApplicationState.REJECTED or application.decided_at is None:
        return None
    return application.decided_at + timedelta(days=settings.REAPPLY_AFTER_DAYS)


def _lock_ruling(application: Application) -> Ruling | None:
    ruling = current_ruling(application)
    if ruling is None:
        return None
    locked = Ruling.objects.select_for_update().get(pk=ruling.pk)
    # Read once the lock is held: a join would show the step as it was before the wait.
    locked.step = Step.objects.select_related("application").get(pk=locked.pk)
    return locked
