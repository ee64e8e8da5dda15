"""Every command about members, in every state, by every person; see `matrices`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from django.utils import timezone

from portal.gate.access.models import Application
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.domain.invitations import invite_again, invite_member, make_class
from portal.gate.teams.domain.joining import decline_invitation, join_team
from portal.gate.teams.domain.leaving import expel_member, leave_team, remove_member
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member, Team
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.factories.teams import MemberFactory, TeamFactory
from tests.gate.access.conftest import sign
from tests.matrices import compare, try_out

pytestmark = pytest.mark.django_db
MATRIX = Path(__file__).with_name("command_matrix.txt")
SITUATIONS = ("expired", *MemberState.values)
LINE = "member | {:9} | {:18} | {:7} | {}"


def make_member(team: Team, situation: str, person: User) -> Member:
    is_open = situation in ("expired", MemberState.INVITED)
    now = timezone.now()
    return MemberFactory.create(
        team=team,
        email=f"{situation}@uni.edu",
        user=None if is_open else person,
        state=MemberState.INVITED if is_open else situation,
        sent_at=now - timedelta(days=2),
        expires_at=now + timedelta(days=-1 if situation == "expired" else 9),
        joined_at=None if is_open else now,
    )


def commands(application: Application, member: Member) -> dict[str, Callable[[User], object]]:
    ends_at = timezone.now() + timedelta(days=9)
    return {
        "invite": lambda by: invite_member(application, by=by, email="new@uni.edu"),
        "class": lambda by: make_class(application, by=by, ends_at=ends_at),
        "resend": lambda by: invite_again(member, by=by),
        "join": lambda by: join_team(member, by=by),
        "decline": lambda _: decline_invitation(member),
        "leave": lambda by: leave_team(member, by=by),
        "remove": lambda by: remove_member(member, by=by),
        "expel": lambda by: expel_member(member, by=by, reason="Not of the group."),
    }


def lines(model: HostedModel) -> Iterator[str]:
    for situation in SITUATIONS:
        lead = sign(UserFactory.create(), model)
        application = GrantFactory.create(user=lead, model=model).application
        team = TeamFactory.create(application=application)
        person, other = (sign(UserFactory.create(is_reviewer=who), model) for who in (False, True))
        member = make_member(team, situation, person)
        MemberFactory.create(team=team, user=other)
        cast = {
            "lead": lead,
            "the person": person,
            "member who reviews": other,
            "reviewer": sign(UserFactory.create(is_reviewer=True), model),
            "operator": UserFactory.create(is_staff=True),
        }
        outcome = lambda row=member: str(Member.objects.get(pk=row.pk).state)  # noqa: E731
        for name, actor in cast.items():
            for command, call in commands(application, member).items():
                if command == "decline" and name != "the person":
                    continue
                result = try_out(partial(call, actor), outcome)
                yield LINE.format(situation, name, command, result)


def test_every_command_does_what_the_committed_matrix_says(model: HostedModel) -> None:
    compare(lines(model), MATRIX)
