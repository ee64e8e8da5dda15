"""A person's links as their owner sees them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from portal.gate.access.domain.decide import Decision
from portal.gate.teams.models import Team
from portal.lab.jobs.models import LARGE_FIELDS, GenerationJob
from portal.lab.sharing.domain.links import address_of, working_links
from portal.lab.sharing.domain.reading import find_refusal_of_owner
from portal.lab.sharing.enums import Audience, LinkState
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.models import User

ENDED_SHOWN: Final = 50


@dataclass(frozen=True)
class LinkRow:
    """A link as its owner sees it. `address` is empty if it does not work or cannot be shown."""

    link: ShareLink
    state: LinkState
    address: str
    refusal: Decision | None = None

    @property
    def works(self) -> bool:
        return self.state in {LinkState.OPEN, LinkState.CLOSED}

    @property
    def audience(self) -> str:
        if self.link.team is not None:
            return describe_team(self.link.team)
        return str(Audience(self.link.audience).label)


def list_links(user: User, *, at: datetime) -> list[LinkRow]:
    """A person's links, newest first: all that work, and the last ENDED_SHOWN of the others."""
    working = _describe(_load(working_links(at=at).filter(run__user=user)), at=at)
    ended = _load(ShareLink.objects.filter(run__user=user)).exclude(
        pk__in=[row.link.pk for row in working]
    )
    return [*working, *_describe(ended[:ENDED_SHOWN], at=at)]


def list_links_of_run(run: GenerationJob, *, at: datetime) -> list[LinkRow]:
    """The links to one run that work."""
    return _describe(_load(working_links(at=at).filter(run=run)), at=at)


def describe_team(team: Team) -> str:
    return f"The team of {team.application.applicant_name} ({team.application.case_number})"


def _load(links: QuerySet[ShareLink]) -> QuerySet[ShareLink]:
    related = links.select_related("run__user", "run__model__release__licence", "team__application")
    return related.defer(*(f"run__{name}" for name in LARGE_FIELDS)).order_by("-created_at", "pk")


def _describe(links: Iterable[ShareLink], *, at: datetime) -> list[LinkRow]:
    refusals: dict[tuple[int, str], Decision | None] = {}
    rows = []
    for link in links:
        if link.revoked_at is not None or link.expires_at <= at:
            state = LinkState.EXPIRED if link.revoked_at is None else LinkState.REVOKED
            rows.append(LinkRow(link, state, ""))
            continue
        key = (link.run.model_id, link.run.origin)
        if key not in refusals:
            refusals[key] = find_refusal_of_owner(link.run, at=at)
        state = LinkState.CLOSED if refusals[key] else LinkState.OPEN
        rows.append(LinkRow(link, state, address_of(link), refusals[key]))
    return rows
