"""Periodic work on teams: grants follow the lead's new terms, old invitations are erased."""

from __future__ import annotations

from datetime import timedelta
from typing import Final

from django.db import transaction
from django.utils import timezone

from portal.gate.access.models import Grant
from portal.gate.teams.domain.deriving import derive_grants
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.platform.core.each import do_each

FORGET_AFTER: Final = timedelta(days=30)


def run_upkeep() -> None:
    """Do all steps once. Concurrent calls do each thing once."""
    do_each((follow_leads, forget_invitations), lambda step: step(), doing="tend_teams")


def follow_leads() -> int:
    """Give members their leads' new terms, such as a later end; return the number of grants."""
    joined = Member.objects.filter(state=MemberState.JOINED, user__is_active=True)
    members = joined.order_by("pk").values_list("pk", flat=True)
    return sum(map(len, do_each(members, _follow, doing="follow_lead")))


def forget_invitations() -> int:
    """Erase the addresses of invitations that expired unused a month ago; return their number."""
    before = timezone.now() - FORGET_AFTER
    idle = Member.objects.exclude(state=MemberState.JOINED).filter(user=None, expires_at__lt=before)
    Member.objects.filter(pk__in=idle.values("pk"), state=MemberState.INVITED).update(
        state=MemberState.CANCELLED, ended_at=timezone.now()
    )
    return idle.exclude(email="").update(email="", digest="")


@transaction.atomic
def _follow(member_id: int) -> list[Grant]:
    members = Member.objects.select_for_update(of=("self",), skip_locked=True)
    member = members.filter(pk=member_id, state=MemberState.JOINED).first()
    if member is None:
        return []
    return derive_grants(member, by=member.team.application.applicant)
