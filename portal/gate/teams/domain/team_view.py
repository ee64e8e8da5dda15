"""A team as its lead, its members and reviewers see it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from portal.gate.access.models import Application
from portal.gate.teams.enums import CURRENT_STATES, MemberState
from portal.gate.teams.models import Member, Team
from portal.platform.accounts.models import User
from portal.platform.notices.enums import NoticeState

UNDELIVERED = (NoticeState.BOUNCED, NoticeState.FAILED)


@dataclass(frozen=True)
class MemberView:
    """A member with the state of an invitation's mail: `sent`, `undelivered`, `expired`."""

    member: Member
    delivery: str


def list_members(application: Application, *, at: datetime) -> list[MemberView]:
    """Everybody who is in the team or invited, and everybody who once joined it."""
    members = Member.objects.filter(team__application=application)
    shown = members.filter(state__in=CURRENT_STATES) | members.filter(joined_at__isnull=False)
    found = shown.select_related("user", "notice", "ended_by")
    return [MemberView(member, _judge(member, at=at)) for member in found]


def memberships(user: User) -> QuerySet[Member]:
    """The teams that a person is in."""
    joined = Member.objects.filter(user=user, state=MemberState.JOINED)
    return joined.select_related("team__application__applicant")


def current_teams(user: User) -> QuerySet[Team]:
    """The teams that a person leads or is in now."""
    joined = Member.objects.filter(user=user, state=MemberState.JOINED)
    belongs = Q(application__applicant=user) | Q(pk__in=joined.values("team"))
    return Team.objects.filter(belongs).select_related("application")


def _judge(member: Member, *, at: datetime) -> str:
    if member.state != MemberState.INVITED:
        return ""
    if member.is_expired(at=at):
        return "expired"
    is_lost = member.notice is not None and member.notice.state in UNDELIVERED
    return "undelivered" if is_lost else "sent"
