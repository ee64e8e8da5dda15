"""The end of a membership, by the member, the lead or a reviewer."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_text
from portal.gate.access.domain.workflow.separation import (
    require_outsider,
    require_owner,
    require_reviewer,
)
from portal.gate.teams.domain.deriving import end_derived, lock_derived
from portal.gate.teams.domain.invitations import subject_of
from portal.gate.teams.domain.letters import notify_lead, notify_member
from portal.gate.teams.enums import CURRENT_STATES, MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import withdraw


@transaction.atomic
def leave_team(member: Member, *, by: User) -> Member:
    """Leave. Raises `DomainError` (`not_your_membership`) and `LostRace`."""
    if member.user_id != by.pk:
        raise DomainError(RefusalCode.NOT_YOUR_MEMBERSHIP, "This membership is somebody else's.")
    ended = _end(member, MemberState.LEFT, by=by)
    notify_lead(ended, how="left")
    _record(ended, by=by)
    return ended


@transaction.atomic
def remove_member(member: Member, *, by: User) -> Member:
    """Remove a member as the lead, and notify them; or take back an invitation.

    Raises `DomainError` (`not_your_application`) and `LostRace`.
    """
    require_owner(by, owner_id=member.team.application.applicant_id, what="application")
    return _remove(member, by=by)


@transaction.atomic
def expel_member(member: Member, *, by: User, reason: str) -> Member:
    """Remove a member as a reviewer, for a reason that they and their lead read.

    Raises `DomainError`: `reviewers_only`, `own_application`, `own_team`, `text_missing`;
    `LostRace`.
    """
    require_reviewer(by)
    require_outsider(member.team.application.applicant_id, by=by)
    reason = require_text(reason, field="reason", message="Say why. They will read it.")
    return _remove(member, by=by, reason=reason)


def _remove(member: Member, *, by: User, reason: str = "") -> Member:
    was_invited = member.state == MemberState.INVITED
    state = MemberState.CANCELLED if was_invited else MemberState.REMOVED
    ended = _end(member, state, by=by, reason=reason)
    if not was_invited:
        notify_member(ended)
    if reason:
        notify_lead(ended, how="removed")
    _record(ended, by=by)
    return ended


def _end(member: Member, state: MemberState, *, by: User, reason: str = "") -> Member:
    locked = Member.objects.select_for_update().get(pk=member.pk)
    if locked.state != member.state or locked.state not in CURRENT_STATES:
        now = MemberState(locked.state).label.lower()
        raise LostRace(f"Nothing was changed. They are now: {now}.")
    lock_derived(locked)
    withdraw(about=f"application:{locked.team.application.case_number}", data={"member": locked.pk})
    locked.state, locked.ended_at, locked.ended_by = state, timezone.now(), by
    locked.reason = reason
    locked.save()
    end_derived(locked, by=by)
    return locked


def _record(member: Member, *, by: User) -> None:
    data = {"how": member.state, "application": member.team.application.case_number}
    record(AuditTag.MEMBER_ENDED, actor=by, subject=subject_of(member), data=data)
