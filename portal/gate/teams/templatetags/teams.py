"""A person's teams, for pages of capabilities below this one."""

from __future__ import annotations

from django import template
from django.utils import timezone

from portal.gate.teams.domain.invitations import applications_with_team
from portal.gate.teams.domain.team_view import memberships
from portal.platform.accounts.models import User

register = template.Library()


@register.inclusion_tag("gate/teams/summary.html")
def show_teams(user: User) -> dict[str, object]:
    """The teams that a person is in, and those that they may lead."""
    return {
        "memberships": memberships(user),
        "led": applications_with_team(user, at=timezone.now()),
    }
