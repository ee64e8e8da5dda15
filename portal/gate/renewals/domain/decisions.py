"""What a reviewer does with a renewal: claim, return, approve and refuse it.

A decision has no hold, and is mailed immediately: access continues until its old end whatever
is decided, longer access can be suspended or revoked, and after a refusal another report can
be submitted.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.desk.claims import LEASE, is_absent
from portal.gate.access.domain.process.terms import require_sensible_end
from portal.gate.access.domain.rights.duration import extend_grants
from portal.gate.access.domain.screening.denylist import require_may_be_approved
from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import require_free_claim
from portal.gate.access.enums import GrantState, Role
from portal.gate.access.models import Grant
from portal.gate.catalog.enums import Tier
from portal.gate.renewals.domain.commands import check_renewal, move_renewal
from portal.gate.renewals.enums import RenewalCommand
from portal.gate.renewals.models import Renewal, RenewalStep
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode


@transaction.atomic
def claim_renewal(renewal: Renewal, *, by: User, seen: int | None = None) -> RenewalStep:
    """Claim a renewal, or extend one's claim, for a day.

    Raises `DomainError`: `claimed_by_other`, `absent`, `reviewers_only`, `own_renewal`;
    `LostRace`.
    """
    check_renewal(renewal, RenewalCommand.CLAIM, by=by, role=Role.REVIEWER, seen=seen)
    now = timezone.now()
    _require_free_claim(renewal, by=by, at=now)
    if is_absent(by, at=now):
        raise DomainError(RefusalCode.ABSENT, "You are out of office. End your absence first.")
    return move_renewal(
        renewal,
        RenewalCommand.CLAIM,
        by=by,
        role=Role.REVIEWER,
        seen=seen,
        claimed_by=by,
        claim_ends_at=now + LEASE,
    )


@transaction.atomic
def release_renewal(renewal: Renewal, *, by: User, seen: int | None = None) -> RenewalStep:
    """Release a renewal; raises `DomainError` (`not_claimed`) unless `by` holds it."""
    check_renewal(renewal, RenewalCommand.RELEASE, by=by, role=Role.REVIEWER, seen=seen)
    claimant = renewal.claimant_at(timezone.now())
    if claimant is None or claimant.pk != by.pk:
        raise DomainError(RefusalCode.NOT_CLAIMED, "You do not hold this renewal now.")
    return _rule(renewal, RenewalCommand.RELEASE, by=by, note="", seen=seen)


@transaction.atomic
def return_renewal(
    renewal: Renewal, *, by: User, note: str, seen: int | None = None
) -> RenewalStep:
    """Return a report with a note; its holder changes it and hands it in again.

    Raises `DomainError` (`text_missing`, `claimed_by_other`) and `LostRace`.
    """
    note = require_text(note, field="note", message="Say what should be changed.")
    return _rule(renewal, RenewalCommand.RETURN, by=by, note=note, seen=seen)


@transaction.atomic
def refuse_renewal(
    renewal: Renewal, *, by: User, reason: str, seen: int | None = None
) -> RenewalStep:
    """Refuse for a reason that the holder reads; access continues until its old end.

    Raises `DomainError` (`text_missing`, `claimed_by_other`) and `LostRace`.
    """
    reason = require_text(reason, field="reason", message="Give the reason for the refusal.")
    now = timezone.now()
    return _rule(renewal, RenewalCommand.REFUSE, by=by, note=reason, seen=seen, decided_at=now)


@transaction.atomic
def approve_renewal(
    renewal: Renewal,
    *,
    by: User,
    ends_at: datetime,
    note: str = "",
    seen: int | None = None,
) -> RenewalStep:
    """Give a new end to every grant of the renewal that is in force or has run out.

    If a model's tier requires two reviewers and no other one has approved this report with
    an end as late, the approval is kept as an endorsement: the step's command is `ENDORSE`.
    Raises `DomainError`: `end_not_in_future`, `end_too_far`, `end_not_later`,
    `nothing_to_extend`, `grant_suspended`, `account_closed`, `already_endorsed`, `denied`,
    `claimed_by_other`; `LostRace`.
    """
    check_renewal(renewal, RenewalCommand.APPROVE, by=by, role=Role.REVIEWER, seen=seen)
    _require_free_claim(renewal, by=by, at=timezone.now())
    require_sensible_end(ends_at)
    if not renewal.holder.is_active:
        raise DomainError(
            RefusalCode.ACCOUNT_CLOSED, "This account is closed; its access stays closed."
        )
    grants = _lock_extendable(renewal)
    if any(ends_at <= grant.ends_at for grant in grants):
        raise DomainError(
            RefusalCode.END_NOT_LATER, "The new end must be after the old one.", field="ends_on"
        )
    for grant in grants:
        require_may_be_approved(grant.application, at=timezone.now())
    if _needs_endorsement(renewal, grants, by=by, ends_at=ends_at):
        return _rule(
            renewal, RenewalCommand.ENDORSE, by=by, note=note, seen=seen, approved_until=ends_at
        )
    step = _rule(
        renewal,
        RenewalCommand.APPROVE,
        by=by,
        note=note,
        seen=seen,
        approved_until=ends_at,
        decided_at=timezone.now(),
        ends_at=ends_at,
    )
    extend_grants(grants, by=by, ends_at=ends_at)
    return step


def needs_two(grants: Sequence[Grant]) -> bool:
    """Whether the tier of one of the models requires two reviewers."""
    return any(grant.model.tier == Tier.TWO_REVIEWERS for grant in grants)


def current_endorsements(renewal: Renewal) -> list[RenewalStep]:
    """First approvals of the report as it was last submitted."""
    steps = renewal.steps.filter(command=RenewalCommand.ENDORSE, at__gte=renewal.submitted_at)
    return list(steps.select_related("actor"))


def _rule(
    renewal: Renewal,
    command: RenewalCommand,
    *,
    by: User,
    note: str,
    seen: int | None,
    approved_until: datetime | None = None,
    **changes: object,
) -> RenewalStep:
    check_renewal(renewal, command, by=by, role=Role.REVIEWER, seen=seen)
    _require_free_claim(renewal, by=by, at=timezone.now())
    return move_renewal(
        renewal,
        command,
        by=by,
        role=Role.REVIEWER,
        note=note,
        seen=seen,
        approved_until=approved_until,
        claimed_by=None,
        claim_ends_at=None,
        **changes,
    )


def _require_free_claim(renewal: Renewal, *, by: User, at: datetime) -> None:
    require_free_claim(renewal, by=by, at=at, what="renewal", way_out="release it")


def _lock_extendable(renewal: Renewal) -> list[Grant]:
    """The renewal's grants, locked, without those that somebody ended."""
    grants = list(
        Grant.objects.select_for_update(of=("self",))
        .filter(renewals=renewal)
        .select_related("model", "application__applicant")
        .order_by("pk")
    )
    for grant in grants:
        if grant.state == GrantState.SUSPENDED:
            raise DomainError(
                RefusalCode.GRANT_SUSPENDED,
                f"Access to {grant.model.name} is suspended. Resume or revoke it first.",
            )
    active = [grant for grant in grants if grant.state == GrantState.ACTIVE]
    if not active:
        raise DomainError(
            RefusalCode.NOTHING_TO_EXTEND,
            "None of these grants can be extended: they were revoked, replaced or given back.",
        )
    return active


def waits_for_second(renewal: Renewal, grants: Sequence[Grant], *, by: User) -> bool:
    """Whether a reviewer gave the first of two approvals, and no one has given the second."""
    return needs_two(grants) and {step.actor_id for step in current_endorsements(renewal)} == {
        by.pk
    }


def _needs_endorsement(
    renewal: Renewal, grants: Sequence[Grant], *, by: User, ends_at: datetime
) -> bool:
    if not needs_two(grants):
        return False
    endorsements = current_endorsements(renewal)
    if any(
        step.actor_id != by.pk and step.ends_at and step.ends_at >= ends_at for step in endorsements
    ):
        return False
    if any(step.actor_id == by.pk for step in endorsements):
        raise DomainError(
            RefusalCode.ALREADY_ENDORSED,
            "You have already approved this. It is waiting for a second reviewer, who must agree "
            "to the same end date or an earlier one.",
        )
    return True
