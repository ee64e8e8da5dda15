"""Teams for tests."""

from __future__ import annotations

from datetime import timedelta

import factory
from django.utils import timezone

from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Member, Team
from tests.factories.accounts import UserFactory


class TeamFactory(factory.django.DjangoModelFactory[Team]):
    """A team; give it an approved `application` with grants."""

    class Meta:
        model = Team

    created_at = factory.LazyFunction(timezone.now)


class MemberFactory(factory.django.DjangoModelFactory[Member]):
    """A person who has joined a `team`, without grants."""

    class Meta:
        model = Member

    user = factory.SubFactory(UserFactory)
    email = factory.SelfAttribute("user.email")
    state = MemberState.JOINED
    invited_at = factory.LazyFunction(timezone.now)
    sent_at = factory.LazyFunction(timezone.now)
    expires_at = factory.LazyFunction(lambda: timezone.now() + timedelta(days=14))
    joined_at = factory.LazyFunction(timezone.now)
