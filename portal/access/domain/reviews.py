"""What a reviewer does with an application: return, approve, reject."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from portal.access.domain.commands import check_application, move_application, require_text
from portal.access.domain.grants import create_grants, lock_replaced_grants, supersede_grants
from portal.access.enums import Capability, Command, Role
from portal.access.models import Application, Endorsement, Step
from portal.accounts.models import User
from portal.catalog.enums import Tier
from portal.catalog.models import HostedModel
from portal.core.errors import DomainError

LONGEST_GRANT = timedelta(days=5 * 366)


@transaction.atomic
def return_application(
    application: Application, *, by: User, note: str, seen: int | None = None
) -> Step:
    """Hand an application back with notes; the applicant changes it and submits again."""
    note = require_text(note, field="note", message="Say what should be changed.")
    return move_application(
        application, Command.RETURN, by=by, role=Role.REVIEWER, note=note, seen=seen
    )


@transaction.atomic
def reject_application(
    application: Application, *, by: User, reason: str, seen: int | None = None
) -> Step:
    """Refuse an application for a reason that the applicant reads."""
    reason = require_text(reason, field="reason", message="Give the reason for the refusal.")
    return move_application(
        application,
        Command.REJECT,
        by=by,
        role=Role.REVIEWER,
        note=reason,
        seen=seen,
        decided_at=timezone.now(),
    )


@transaction.atomic
def approve_application(
    application: Application,
    *,
    by: User,
    ends_at: datetime,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    note: str = "",
    seen: int | None = None,
) -> Step:
    """Approve, and give one grant for each model until `ends_at`.

    Where a model's tier asks for two reviewers and nobody else has endorsed this submission
    for the same models and capabilities, the approval is kept as an endorsement instead: the
    step's command is then `ENDORSE`, the application waits on, and no grant is made.
    Raises `DomainError`: `models_missing`, `capabilities_missing`, `not_asked_for`,
    `end_not_in_future`, `end_too_far`, `already_endorsed`, `grant_suspended`; `LostRace`.
    """
    check_application(application, Command.APPROVE, by=by, role=Role.REVIEWER, seen=seen)
    _require_within_request(application, models=models, capabilities=capabilities)
    _require_sensible_end(ends_at)
    data = {
        "models": sorted(model.slug for model in models),
        "capabilities": sorted(capabilities),
        "ends_at": ends_at.isoformat(),
    }
    if needs_endorsement(
        application, by=by, models=models, capabilities=capabilities, ends_at=ends_at
    ):
        _endorse(application, by=by, models=models, capabilities=capabilities, ends_at=ends_at)
        return move_application(
            application, Command.ENDORSE, by=by, role=Role.REVIEWER, note=note, seen=seen, data=data
        )
    replaced = lock_replaced_grants(application, models=models)
    step = move_application(
        application,
        Command.APPROVE,
        by=by,
        role=Role.REVIEWER,
        note=note,
        seen=seen,
        data=data,
        decided_at=timezone.now(),
    )
    supersede_grants(replaced, by=by)
    create_grants(application, by=by, models=models, capabilities=capabilities, ends_at=ends_at)
    return step


def needs_endorsement(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
) -> bool:
    """Whether approving these terms still waits for another reviewer to agree to them.

    One who agreed to more (models, capabilities, a later end) has agreed to less.
    """
    guarded = {model.pk for model in models if model.tier == Tier.TWO_REVIEWERS}
    if not guarded:
        return False
    endorsements = (
        current_endorsements(application)
        .filter(capabilities__contains=list(capabilities), ends_at__gte=ends_at)
        .exclude(reviewer=by)
    )
    return not any(
        guarded <= {model.pk for model in endorsement.models_endorsed.all()}
        for endorsement in endorsements
    )


def current_endorsements(application: Application) -> QuerySet[Endorsement]:
    """First approvals of the text as it was last submitted."""
    if application.submitted_at is None:
        return Endorsement.objects.none()
    return application.endorsements.filter(submitted_at=application.submitted_at)


def _endorse(
    application: Application,
    *,
    by: User,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    ends_at: datetime,
) -> None:
    endorsement, is_new = Endorsement.objects.get_or_create(
        application=application,
        submitted_at=application.submitted_at,
        reviewer=by,
        defaults={"capabilities": list(capabilities), "ends_at": ends_at, "at": timezone.now()},
    )
    if not is_new:
        raise DomainError(
            "already_endorsed",
            "You have approved this already. It waits for a second reviewer, who must agree to "
            "the same models, uses and end date.",
        )
    endorsement.models_endorsed.set(models)


def _require_within_request(
    application: Application,
    *,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
) -> None:
    if not models:
        raise DomainError("models_missing", "Choose at least one model.", field="models")
    if not capabilities:
        raise DomainError(
            "capabilities_missing", "Choose at least one way of use.", field="capabilities"
        )
    wanted = set(application.models_wanted.values_list("pk", flat=True))
    if unasked := [model.name for model in models if model.pk not in wanted]:
        raise DomainError("not_asked_for", f"Not asked for: {', '.join(unasked)}.", field="models")
    if extra := [str(use.label) for use in capabilities if use not in application.capabilities]:
        raise DomainError(
            "not_asked_for", f"Not asked for: {', '.join(extra)}.", field="capabilities"
        )


def _require_sensible_end(ends_at: datetime) -> None:
    if ends_at <= timezone.now():
        raise DomainError(
            "end_not_in_future", "The end date must be in the future.", field="ends_on"
        )
    if ends_at > timezone.now() + LONGEST_GRANT:
        raise DomainError("end_too_far", "The end date must be within five years.", field="ends_on")
