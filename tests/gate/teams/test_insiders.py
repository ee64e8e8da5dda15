"""Who was in one team with whom."""

from __future__ import annotations

from typing import Any

import pytest

from portal.gate.teams.domain.insiders import share_team, teams_of
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Team
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.teams import MemberFactory, TeamFactory

pytestmark = pytest.mark.django_db
NEAR = "or were in a team with them"


@pytest.fixture
def team(db: None) -> Team:
    return TeamFactory.create(application=GrantFactory.create().application)


def join(team: Team, **fields: Any) -> User:
    user = UserFactory.create()
    MemberFactory.create(team=team, user=user, **fields)
    return user


def test_leads_and_members_are_near_to_each_other_and_nobody_is_near_to_themselves(
    team: Team,
) -> None:
    lead, first, second = team.application.applicant, join(team), join(team)

    assert [share_team(lead.pk, first), share_team(first.pk, lead)] == [NEAR] * 2
    assert [share_team(first.pk, second), share_team(second.pk, first)] == [NEAR] * 2
    assert [share_team(each.pk, each) for each in (lead, first)] == ["", ""]


def test_who_is_invited_and_who_is_in_another_team_is_no_insider(team: Team) -> None:
    lead, invited = (
        team.application.applicant,
        join(team, state=MemberState.INVITED, joined_at=None),
    )
    elsewhere = join(TeamFactory.create(application=GrantFactory.create().application))

    assert [share_team(lead.pk, each) for each in (invited, elsewhere)] == ["", ""]


def test_each_team_of_a_person_is_named_once(team: Team) -> None:
    lead = team.application.applicant
    join(team)
    join(team)
    other = TeamFactory.create(application=GrantFactory.create().application)
    MemberFactory.create(team=other, user=lead)

    assert sorted(each.pk for each in teams_of(lead.pk)) == sorted([team.pk, other.pk])
