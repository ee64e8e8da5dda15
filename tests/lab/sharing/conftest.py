"""A run that its owner shares, and the people who may want to read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pytest
import redis
from django.test import Client

from portal.gate.catalog.models import HostedModel
from portal.gate.teams.models import Team
from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.domain.links import create_link
from portal.lab.sharing.domain.listing import list_links
from portal.lab.sharing.enums import Audience, Life
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.models import User
from tests.factories.jobs import GenerationJobFactory, make_researcher
from tests.factories.teams import TeamFactory


@dataclass
class Shared:
    """The owner of a run, who leads a team."""

    owner: User
    model: HostedModel
    run: GenerationJob
    team: Team

    def share(self, audience: Audience = Audience.LICENCE_HOLDERS, **terms: Any) -> ShareLink:
        team = self.team if audience == Audience.TEAM else None
        values: dict[str, Any] = {"life": Life.WEEK, "team": team, **terms}
        return create_link(self.run, by=self.owner, audience=audience, **values)


@pytest.fixture
def shared(db: None, valkey: redis.Redis) -> Shared:
    owner, model = make_researcher()
    User.objects.filter(pk=owner.pk).update(name="Amara Okafor")
    owner.refresh_from_db()
    run = GenerationJobFactory.create(user=owner, model=model, succeeded=True)
    return Shared(owner, model, run, TeamFactory.create(application=owner.applications.get()))


def path_of(link: ShareLink) -> str:
    """The address of a link that works, as its owner copies it."""
    (row,) = [row for row in list_links(link.run.user, at=link.created_at) if row.link == link]
    return row.address.partition("//")[2].partition("/")[2].join(["/", ""])


def enter(user: User) -> Client:
    """A person's browser."""
    client = Client()
    client.force_login(user)
    return client
