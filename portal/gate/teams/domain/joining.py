"""An invited person's side of a team: the link's state, joining, declining."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.access.domain.screening.denylist import require_not_denied
from portal.gate.access.domain.workflow.separation import deciders
from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence
from portal.gate.teams.domain.deriving import derive_grants, lead_grants
from portal.gate.teams.domain.invitations import has_team, subject_of
from portal.gate.teams.domain.letters import notify_lead
from portal.gate.teams.enums import InvitationStanding, MemberState
from portal.gate.teams.models import Member
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.link_tokens import digest_token, is_right_token
from portal.platform.core.refusals import RefusalCode


@dataclass(frozen=True)
class Invitation:
    """A link that somebody followed. A wrong one has no member: it reveals nothing."""

    standing: InvitationStanding
    member: Member | None = None


def read_invitation(member_id: int, token: str, *, at: datetime) -> Invitation:
    """The state of a link at a moment."""
    members = Member.objects.select_related("team__application__applicant", "user")
    member = members.filter(pk=member_id).first()
    digest = member.digest if member else digest_token("")
    if not is_right_token(token, digest) or member is None:
        return Invitation(InvitationStanding.WRONG)
    return Invitation(_judge(member, at=at), member)


@transaction.atomic
def join_team(member: Member, *, by: User) -> Member:
    """Join with the invited person's account, after signing the licence; access begins immediately.

    Raises `DomainError`: `link_used`, `link_expired`, `link_closed`, `own_team`,
    `email_unverified`, `denied`, `decided_before`, `member_already`, `licence_unsigned` and
    `licence_outdated` (with the licence to sign as `next_url`).
    """
    locked = _lock(member)
    application = locked.team.application
    _require_may_join(locked, by=by)
    for licence in unsigned_licences(locked, by=by):
        raise DomainError(
            RefusalCode.LICENCE_UNSIGNED,
            f"Read and sign “{licence.name}” yourself, then join.",
            next_url=reverse("licensing:sign", args=[licence.slug]),
        )
    locked.state, locked.user, locked.joined_at = MemberState.JOINED, by, timezone.now()
    locked.save()
    derive_grants(locked, by=by)
    notify_lead(locked, how="joined")
    data = {"application": application.case_number}
    record(AuditTag.MEMBER_JOINED, actor=by, subject=subject_of(locked), data=data)
    return locked


@transaction.atomic
def decline_invitation(member: Member) -> Member:
    """Decline an invitation and delete its address. Raises `join_team`'s errors about links."""
    locked = _lock(member)
    locked.state, locked.ended_at = MemberState.DECLINED, timezone.now()
    notify_lead(locked, how="declined")
    locked.email = locked.digest = ""
    locked.save()
    data = {"how": str(MemberState.DECLINED)}
    record(AuditTag.MEMBER_ENDED, actor=None, subject=subject_of(locked), data=data)
    return locked


def unsigned_licences(member: Member, *, by: User) -> list[Licence]:
    """The licences of the team's models that a person has still to sign."""
    now = timezone.now()
    licences = {
        grant.model.release.licence.pk: grant.model.release.licence
        for grant in lead_grants(member.team, at=now)
    }
    return [
        licence for licence in licences.values() if standing(by, licence, at=now) != Standing.SIGNED
    ]


def _lock(member: Member) -> Member:
    locked = Member.objects.select_for_update().get(pk=member.pk)
    standing = _judge(locked, at=timezone.now())
    if standing != InvitationStanding.OPEN or locked.digest != member.digest:
        raise DomainError(
            RefusalCode(f"link_{standing}"), "Nothing was changed: this link cannot be used now."
        )
    return locked


def _judge(member: Member, *, at: datetime) -> InvitationStanding:
    if member.state == MemberState.JOINED:
        return InvitationStanding.USED
    team = member.team
    is_open = member.state == MemberState.INVITED and has_team(team.application, at=at)
    if not is_open or not lead_grants(team, at=at).exists():
        return InvitationStanding.CLOSED
    return InvitationStanding.EXPIRED if member.is_expired(at=at) else InvitationStanding.OPEN


def _require_may_join(member: Member, *, by: User) -> None:
    application = member.team.application
    if by.pk == application.applicant_id:
        raise DomainError(
            RefusalCode.OWN_TEAM, "You lead this team. Sign in with the invited account."
        )
    if not is_email_verified(by):
        raise DomainError(
            RefusalCode.EMAIL_UNVERIFIED,
            "Confirm your e-mail address first, then join.",
            next_url=reverse("account_email"),
        )
    require_not_denied(by, at=timezone.now(), next_url=reverse("access:denial"))
    if by.pk in deciders(application):
        raise DomainError(
            RefusalCode.DECIDED_BEFORE,
            "You decided on this application, so you cannot join its team.",
        )
    if member.team.members.filter(user=by, state=MemberState.JOINED).exists():
        raise DomainError(RefusalCode.MEMBER_ALREADY, "You are already a member of this team.")
