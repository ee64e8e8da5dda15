"""What a reviewer decides: return, approve, reject."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from portal.gate.access.application_fields import APPLICATION_FIELDS
from portal.gate.access.domain.process.decisions import require_may_rule, rule
from portal.gate.access.domain.process.endorsements import endorse, needs_endorsement
from portal.gate.access.domain.process.terms import require_sensible_end, require_within_request
from portal.gate.access.domain.rights.grants import (
    create_grants,
    end_grants,
    lock_halted_grants,
    lock_replaced_grants,
    supersede_grants,
)
from portal.gate.access.domain.screening.denylist import require_may_be_approved
from portal.gate.access.domain.screening.flags import (
    find_flags,
    keep_override,
    require_override,
)
from portal.gate.access.domain.workflow.commands import (
    check_application,
    move_application,
    require_text,
)
from portal.gate.access.enums import Capability, Command, GrantState, ReasonCode, Role
from portal.gate.access.models import Application, Grant, Ruling, Step
from portal.gate.catalog.models import HostedModel
from portal.platform.accounts.models import User


@transaction.atomic
def return_application(
    application: Application,
    *,
    by: User,
    note: str = "",
    field_notes: Mapping[str, str] | None = None,
    reason_code: ReasonCode | None = None,
    seen: int | None = None,
) -> Step:
    """Return an application with notes, on the whole or on single fields of it.

    The applicant changes it and submits it again. Raises `DomainError`: `text_missing` without
    any note, `claimed_by_other`, `decided_before`; `LostRace`.
    """
    notes = {
        name: text.strip()
        for name, text in (field_notes or {}).items()
        if name in APPLICATION_FIELDS and text.strip()
    }
    if not notes:
        note = require_text(note, field="note", message="Say what should be changed.")
    return rule(
        application,
        Command.RETURN,
        by=by,
        note=note,
        seen=seen,
        reason_code=reason_code,
        field_notes=notes,
        data={"fields": sorted(notes)},
    )


@transaction.atomic
def reject_application(
    application: Application,
    *,
    by: User,
    reason: str,
    reason_code: ReasonCode = ReasonCode.OTHER,
    seen: int | None = None,
) -> Step:
    """Refuse an application for a reason that the applicant reads; they may appeal once.

    Its grants that were halted when it was reopened end with it. Raises `DomainError`
    (`text_missing`, `claimed_by_other`, `decided_before`) and `LostRace`.
    """
    reason = require_text(reason, field="reason", message="Give the reason for the refusal.")
    halted = lock_halted_grants(application)
    before = _states(halted)
    step = rule(
        application,
        Command.REJECT,
        by=by,
        note=reason,
        seen=seen,
        reason_code=reason_code,
        moved_grants=before,
    )
    end_grants(halted, by=by, reason=reason)
    return step


@transaction.atomic
def approve_application(
    application: Application,
    *,
    by: User,
    ends_at: datetime,
    models: Sequence[HostedModel],
    capabilities: Sequence[Capability],
    note: str = "",
    override: str = "",
    seen: int | None = None,
) -> Step:
    """Approve, and make one grant for each model, from the end of the hold until `ends_at`.

    Where a model's tier requires two reviewers and no other has endorsed this submission for
    the same models and capabilities, the approval is kept as an endorsement instead: the
    step's command is then `ENDORSE`, the application still waits, and no grant is made.
    `override` is the reason to override flags; each of two reviewers must give one.
    Raises `DomainError`: `models_missing`, `capabilities_missing`, `not_asked_for`,
    `end_not_in_future`, `end_too_far`, `already_endorsed`, `grant_suspended`,
    `claimed_by_other`, `decided_before`, `denied`, `needs_override`; `LostRace`.
    """
    check_application(application, Command.APPROVE, by=by, role=Role.REVIEWER, seen=seen)
    require_may_rule(application, by=by)
    require_within_request(application, models=models, capabilities=capabilities)
    require_sensible_end(ends_at)
    require_may_be_approved(application, at=timezone.now())
    flags = find_flags(application, models=models)
    require_override(flags, override)
    data = {
        "models": sorted(model.slug for model in models),
        "capabilities": sorted(capabilities),
        "ends_at": ends_at.isoformat(),
    }
    if needs_endorsement(
        application, by=by, models=models, capabilities=capabilities, ends_at=ends_at
    ):
        endorse(application, by=by, models=models, capabilities=capabilities, ends_at=ends_at)
        step = move_application(
            application,
            Command.ENDORSE,
            by=by,
            role=Role.REVIEWER,
            note=note,
            seen=seen,
            data=data,
            claimed_by=None,
            claim_ends_at=None,
        )
        keep_override(step, flags, by=by, reason=override)
        return step
    replaced = lock_replaced_grants(application, models=models)
    step = rule(
        application,
        Command.APPROVE,
        by=by,
        note=note,
        seen=seen,
        data=data,
        moved_grants=_states(replaced),
    )
    running = {
        grant.model_id
        for grant in replaced
        if grant.state == GrantState.ACTIVE and grant.starts_at <= step.at < grant.ends_at
    }
    supersede_grants(replaced, by=by)
    grants = create_grants(
        application,
        by=by,
        models=models,
        capabilities=capabilities,
        ends_at=ends_at,
        running=running,
    )
    Ruling.objects.filter(step=step).update(made_grants=[grant.pk for grant in grants])
    keep_override(step, flags, by=by, reason=override)
    return step


def _states(grants: Sequence[Grant]) -> list[tuple[int, str]]:
    return [(grant.pk, grant.state) for grant in grants]
