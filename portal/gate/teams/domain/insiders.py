"""Separation of duties: reviewers do not decide on people who were in a team with them."""

from __future__ import annotations

from django.db.models import Q, QuerySet

from portal.gate.access.domain.workflow.separation import register_insiders
from portal.gate.teams.models import Team
from portal.platform.accounts.models import User


def share_team(person_id: int, reviewer: User) -> str:
    """Leads and members alike, also those who left: they knew each other's work."""
    both = teams_of(person_id).filter(pk__in=teams_of(reviewer.pk).values("pk"))
    return "or were in a team with them" if person_id != reviewer.pk and both.exists() else ""


def teams_of(user_id: int) -> QuerySet[Team]:
    """The teams that a person leads, is in, or was in."""
    belongs = Q(application__applicant=user_id) | Q(
        members__user=user_id, members__joined_at__isnull=False
    )
    return Team.objects.filter(belongs).distinct()


register_insiders(share_team)
