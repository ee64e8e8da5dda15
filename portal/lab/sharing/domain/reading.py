"""Who may read a shared run."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import cast

from django.db.models import Q, QuerySet

from portal.gate.access.domain.decide import Decision, NextStep, decide
from portal.gate.access.enums import Capability, Code
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.enums import MemberState
from portal.gate.teams.models import Team
from portal.lab.jobs.domain.admission import CAPABILITIES
from portal.lab.jobs.enums import Origin
from portal.lab.jobs.models import GenerationJob
from portal.lab.sharing.enums import Audience
from portal.lab.sharing.models import ShareLink
from portal.platform.accounts.models import User
from portal.platform.core.link_tokens import digest_token


@dataclass(frozen=True)
class Barrier:
    """Why a person may not read a shared run, what helps, and where, if there is a page for it."""

    reason: str
    advice: str = ""
    next_step: NextStep | None = None


def find_link(token: str, *, at: datetime) -> ShareLink | None:
    """The link with this token, if it works at a moment.

    None alike if it is wrong, expired or revoked, if its run is erased, or if its owner may not
    use the model now.
    """
    link = (
        ShareLink.objects.filter(
            digest=digest_token(token), expires_at__gt=at, run__erased_at__isnull=True
        )
        .select_related("run__user", "run__model__release__licence", "team__application")
        .first()
    )
    return None if link is None or find_refusal_of_owner(link.run, at=at) else link


def find_barrier(link: ShareLink, reader: User, *, at: datetime) -> Barrier | None:
    """Why a person may not read the run of a link that works; None if they may."""
    if reader.pk == link.run.user_id:
        return None
    match Audience(link.audience):
        case Audience.ME:
            return Barrier(
                "This link is only for the person who made it.", "Ask them for another one."
            )
        case Audience.TEAM:
            return _find_barrier_of_team(cast("Team", link.team), reader)
        case Audience.LICENCE_HOLDERS:
            model = link.run.model
            refusal = find_refusal(reader, model, Capability.PLAYGROUND, at=at)
            reason = f"This run is shared with people who may use {model.name}."
            return Barrier(reason, refusal.message, refusal.next_step) if refusal else None


def find_refusal_of_owner(run: GenerationJob, *, at: datetime) -> Decision | None:
    """Why the owner of a run may no longer use its model in the way they did; None if they may."""
    return find_refusal(run.user, run.model, CAPABILITIES[Origin(run.origin)], at=at)


def find_refusal(
    user: User, model: HostedModel, capability: Capability, *, at: datetime
) -> Decision | None:
    """Why a person has no right to the model; None if they have it, loaded or not."""
    decision = decide(user, model, capability, at)
    return None if decision.allowed or decision.code == Code.MODEL_OFFLINE else decision


def teams_now(user: User) -> QuerySet[Team]:
    """The teams that a person leads or is in."""
    joined = Q(members__user=user, members__state=MemberState.JOINED)
    teams = Team.objects.filter(Q(application__applicant=user) | joined).distinct()
    return teams.select_related("application").order_by("pk")


def _find_barrier_of_team(team: Team, reader: User) -> Barrier | None:
    if teams_now(reader).contains(team):
        return None
    lead = team.application.applicant_name
    return Barrier(
        f"This run is shared with the team of {lead}, and you are not in it.",
        f"Ask {lead} to invite you, then open the link again.",
    )
