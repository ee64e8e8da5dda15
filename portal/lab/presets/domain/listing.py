"""The presets that a person sees, and those that they may change."""

from __future__ import annotations

from django.db.models import Exists, F, OuterRef, Q, QuerySet

from portal.gate.teams.domain.team_view import current_teams
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member
from portal.lab.presets.models import Preset
from portal.platform.accounts.models import User


def presets_of(user: User) -> QuerySet[Preset]:
    """The person's own."""
    return Preset.objects.filter(user=user)


def shared_with(user: User) -> QuerySet[Preset]:
    """Those that others share with a team of the person, while they are in it themselves."""
    membership = Member.objects.filter(
        team=OuterRef("team"), user=OuterRef("user"), state=MemberState.JOINED
    )
    return Preset.objects.filter(
        Exists(membership) | Q(team__application__applicant=F("user")),
        team__in=current_teams(user),
    ).exclude(user=user)


def list_presets(user: User) -> list[Preset]:
    """All that the person may use, in one query."""
    found = presets_of(user) | shared_with(user)
    return list(found.select_related("user", "team__application"))


def withdrawable_by(user: User) -> QuerySet[Preset]:
    """Those that the person may take from a team: their own, and all in a team that they lead."""
    return Preset.objects.filter(Q(user=user) | Q(team__application__applicant=user))
