"""A lead's side of a team: inviting, inviting again, making it a class."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

from allauth.account.models import EmailAddress
from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.gate.access.domain.workflow.commands import require_address
from portal.gate.access.domain.workflow.separation import require_role
from portal.gate.access.enums import ApplicationState, Role
from portal.gate.access.models import Application
from portal.gate.teams.domain.deriving import derive_grants, lead_grants
from portal.gate.teams.enums import CURRENT_STATES, MemberState
from portal.gate.teams.models import Member, Team
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.link_tokens import digest_token, make_token
from portal.platform.core.refusals import RefusalCode
from portal.platform.notices.domain.outbox import post, withdraw

LETTER_COMPOSER: Final = "teams.letter"
INVITE_KIND: Final = "teams.invite"
LINK_LIFE: Final = timedelta(days=14)
MOST_LINKS: Final = 4
RESEND_PAUSE: Final = timedelta(hours=1)


def has_team(application: Application, *, at: datetime) -> bool:
    """Whether an application may have a team now, as far as its applicant has been notified."""
    return (
        settings.TEAM_MEMBERS > 0
        and application.visible_state(at=at) == ApplicationState.APPROVED
        and application.grants.filter(lead=None).exists()
    )


def applications_with_team(user: User, *, at: datetime) -> list[Application]:
    """A person's own applications for which `has_team` is true, in one query."""
    if settings.TEAM_MEMBERS == 0:
        return []
    approved = Application.objects.filter(
        applicant=user, state=ApplicationState.APPROVED, grants__lead=None, grants__isnull=False
    )
    return [case for case in approved.distinct() if not case.is_held(at=at)]


@transaction.atomic
def invite_member(application: Application, *, by: User, email: str) -> Member:
    """Send somebody a link to join, valid for 14 days.

    Raises `DomainError`: `not_your_application`, `no_team` (not approved, or access is not in
    force), `text_missing`, `own_address`, `invited_already`, `team_full`.
    """
    email = require_address(email, message="Give their address.")
    own = EmailAddress.objects.filter(user=by).values_list("email", flat=True)
    if email in {address.lower() for address in (by.email, *own)}:
        raise DomainError(RefusalCode.OWN_ADDRESS, "This is your own address.", field="email")
    team = lock_team(application, by=by)
    current = team.members.filter(state__in=CURRENT_STATES)
    if current.filter(email=email).exists():
        raise DomainError(
            RefusalCode.INVITED_ALREADY, "This address is already invited.", field="email"
        )
    if current.count() >= settings.TEAM_MEMBERS:
        raise DomainError(
            RefusalCode.TEAM_FULL,
            f"A team has at most {settings.TEAM_MEMBERS} people besides you. Remove a member, or "
            "take back an invitation.",
        )
    now = timezone.now()
    member = Member.objects.create(
        team=team, email=email, invited_at=now, sent_at=now, expires_at=now + LINK_LIFE
    )
    _send(member, actor=by)
    return member


@transaction.atomic
def invite_again(member: Member, *, by: User) -> Member:
    """Send a new link; the previous one stops working.

    Raises `DomainError`: `not_your_application`, `no_team`, `not_invited`, `too_soon`,
    `too_many_links`.
    """
    lock_team(member.team.application, by=by)
    locked = Member.objects.select_for_update().get(pk=member.pk)
    if locked.state != MemberState.INVITED:
        raise DomainError(RefusalCode.NOT_INVITED, "There is no invitation to send again.")
    if locked.serial >= MOST_LINKS:
        raise DomainError(
            RefusalCode.TOO_MANY_LINKS, f"They were sent {MOST_LINKS} links. Contact them."
        )
    if timezone.now() < locked.sent_at + RESEND_PAUSE:
        raise DomainError(
            RefusalCode.TOO_SOON, "The last link is less than an hour old. Try again later."
        )
    withdraw(about=_about(locked), data={"member": locked.pk})
    _send(locked, actor=by)
    return locked


@transaction.atomic
def make_class(
    application: Application, *, by: User, ends_at: datetime | None, seen: str | None = None
) -> Team:
    """Make the team a class, with only the playground, until `ends_at`; None for a team.

    Members' grants change with it. `seen` is the fingerprint of `class_end` as it was read.
    Raises `DomainError`: `not_your_application`, `no_team`, `end_not_in_future`;
    `SavedMeanwhile`.
    """
    if ends_at is not None and ends_at <= timezone.now():
        raise DomainError(
            RefusalCode.END_NOT_IN_FUTURE, "The end date must be in the future.", field="ends_on"
        )
    team = lock_team(application, by=by)
    require_unchanged(seen, class_end(team), now_is=_describe_class(team))
    team.class_ends_at = ends_at
    team.save(update_fields=["class_ends_at"])
    members = Member.objects.select_for_update(of=("self",)).filter(
        team=team, state=MemberState.JOINED
    )
    for member in list(members.order_by("pk")):
        derive_grants(member, by=by)
    data = {"class_ends_at": ends_at.isoformat() if ends_at else None}
    record(AuditTag.TEAM_CHANGED, actor=by, subject=f"team:{team.pk}", data=data)
    return team


def class_end(team: Team | None) -> str:
    """The day on which the class ends; empty for a team that is not a class."""
    return f"{team.class_ends_at:%Y-%m-%d}" if team and team.class_ends_at else ""


def _describe_class(team: Team) -> str:
    if team.class_ends_at is None:
        return "the team is not a class"
    return f"the class ends on {team.class_ends_at:%-d %B %Y}"


def lock_team(application: Application, *, by: User) -> Team:
    """The team of an approved application, made with its first invitation; locked.

    Raises `DomainError`: `not_your_application`, `no_team`.
    """
    require_role(by, Role.APPLICANT, owner_id=application.applicant_id, what="application")
    locked = Application.objects.select_for_update().get(pk=application.pk)
    now = timezone.now()
    if has_team(locked, at=now):
        team, _ = Team.objects.get_or_create(application=locked, defaults={"created_at": now})
        if lead_grants(team, at=now).exists():
            return team
    raise DomainError(
        RefusalCode.NO_TEAM, "Only an approved application with access in force has a team."
    )


def token_of(member: Member) -> str:
    """The secret of the current link; never stored."""
    return make_token(subject_of(member), member.serial)


def subject_of(member: Member) -> str:
    """The name of a member in the audit log."""
    return f"member:{member.pk}"


def _send(member: Member, *, actor: User) -> None:
    now = timezone.now()
    member.serial += 1
    member.digest = digest_token(token_of(member))
    member.sent_at, member.expires_at = now, now + LINK_LIFE
    member.notice = post(
        member.email,
        kind=INVITE_KIND,
        composer=LETTER_COMPOSER,
        about=_about(member),
        data={"member": member.pk, "link": member.serial},
    )
    member.save()
    data = {"application": member.team.application.case_number, "link": member.serial}
    record(AuditTag.MEMBER_INVITED, actor=actor, subject=subject_of(member), data=data)


def _about(member: Member) -> str:
    return f"application:{member.team.application.case_number}"
