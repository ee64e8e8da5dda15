"""The people of the team tests: a lead with access, and people who can join."""

from __future__ import annotations

import pytest

from portal.gate.access.enums import Capability
from portal.gate.access.models import Application, Grant
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.domain.invitations import invite_member
from portal.gate.teams.domain.joining import join_team
from portal.gate.teams.models import Member
from portal.platform.accounts.models import User
from tests.factories.access import GrantFactory
from tests.factories.accounts import UserFactory
from tests.gate.access.conftest import model, reviewer, sign

__all__ = ["model", "reviewer"]


@pytest.fixture
def lead(model: HostedModel) -> User:
    return sign(UserFactory.create(name="Linda Lead"), model)


@pytest.fixture
def grant(lead: User, model: HostedModel) -> Grant:
    """The lead's grant."""
    return GrantFactory.create(
        user=lead, model=model, capabilities=[Capability.API, Capability.PLAYGROUND]
    )


@pytest.fixture
def application(grant: Grant) -> Application:
    return grant.application


@pytest.fixture
def invited(application: Application) -> Member:
    return invite_member(application, by=application.applicant, email="mia@uni.edu")


@pytest.fixture
def person(model: HostedModel) -> User:
    """A person who has signed and has no access."""
    return sign(UserFactory.create(email="mia@uni.edu", name="Mia Member"), model)


@pytest.fixture
def member(invited: Member, person: User) -> Member:
    return join_team(invited, by=person)
