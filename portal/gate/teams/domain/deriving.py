"""The members' own grants, each following the lead's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet
from django.utils import timezone

from portal.gate.access.capabilities import CAPABILITIES
from portal.gate.access.domain.rights.grants import announce_end, record_made, supersede_grants
from portal.gate.access.domain.workflow.commands import move_grant
from portal.gate.access.enums import HELD_STATES, Capability, Command, GrantState, Role
from portal.gate.access.models import Grant
from portal.gate.catalog.models import HostedModel
from portal.gate.teams.models import Member, Team
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class _Terms:
    model: HostedModel
    capabilities: list[str]
    ends_at: datetime


def team_models(team: Team) -> QuerySet[HostedModel]:
    """The models that the application gave its applicant, even if access has ended."""
    given = Grant.objects.filter(application=team.application, lead=None)
    return HostedModel.objects.filter(grants__in=given.exclude(state=GrantState.VOID)).distinct()


def lead_grants(team: Team, *, at: datetime) -> QuerySet[Grant]:
    """The lead's own grants in force for the team's models, also by a later application."""
    own = Grant.objects.in_force(at=at).filter(user=team.application.applicant_id, lead=None)
    return own.filter(model__in=team_models(team)).select_related("model__release__licence")


def derive_grants(member: Member, *, by: User) -> list[Grant]:
    """Give a member what the lead has now: the same models, ways of use and end, or a class's.

    In the caller's transaction, on a locked member. Grants of their own are kept, suspended
    ones stay suspended, and access that was revoked or given back is not given again; a
    derived grant whose terms have changed is replaced.
    Returns the new grants, none if nothing changed.
    """
    now = timezone.now()
    team, person = member.team, member.user
    if person is None:
        return []
    terms = [_terms(grant, team) for grant in lead_grants(team, at=now)]
    over = _taken_away(member)
    wanted = [
        term
        for term in terms
        if term.capabilities and term.ends_at > now and term.model.pk not in over
    ]
    held = {
        grant.model_id: grant
        for grant in Grant.objects.select_for_update(of=("self",))
        .filter(user=person, model__in=[term.model for term in wanted], state__in=HELD_STATES)
        .order_by("pk")
    }
    missing = [term for term in wanted if _is_missing(term, held.get(term.model.pk), team, now)]
    supersede_grants([held[t.model.pk] for t in missing if t.model.pk in held], by=by)
    return [_create(term, team, person, at=now, by=by) for term in missing]


def _taken_away(member: Member) -> set[int]:
    """Models whose grant a reviewer revoked or the member gave back; not given again."""
    taken = Grant.objects.filter(
        user=member.user_id,
        application=member.team.application_id,
        lead__isnull=False,
        state__in=[GrantState.REVOKED, GrantState.CLOSED],
        starts_at__gte=member.joined_at or member.invited_at,
    )
    return set(taken.values_list("model_id", flat=True))


def end_derived(member: Member, *, by: User) -> None:
    """End a member's grants from this team, in the caller's transaction; their jobs end."""
    for grant in _derived(member):
        move_grant(grant, Command.LEAVE, by=by, role=Role.SYSTEM)
        announce_end(grant)


def lock_derived(member: Member) -> None:
    """Lock the grants that `end_derived` will move, before the audit log is locked."""
    list(_derived(member))


def _derived(member: Member) -> Sequence[Grant]:
    return list(
        Grant.objects.select_for_update(of=("self",))
        .filter(
            user=member.user_id,
            lead=member.team.application.applicant_id,
            application=member.team.application_id,
            state__in=HELD_STATES,
        )
        .order_by("pk")
    )


def _terms(grant: Grant, team: Team) -> _Terms:
    capabilities = sorted(grant.capabilities)
    if team.class_ends_at is None:
        return _Terms(grant.model, capabilities, grant.ends_at)
    return _Terms(
        grant.model,
        [use for use in capabilities if CAPABILITIES[Capability(use)].is_for_classes],
        min(grant.ends_at, team.class_ends_at),
    )


def _is_missing(term: _Terms, held: Grant | None, team: Team, now: datetime) -> bool:
    if held is None:
        return True
    if held.state == GrantState.SUSPENDED:
        return False
    if held.lead_id == team.application.applicant_id:
        return (sorted(held.capabilities), held.ends_at) != (term.capabilities, term.ends_at)
    return held.ends_at <= now


def _create(term: _Terms, team: Team, person: User, *, at: datetime, by: User) -> Grant:
    grant = Grant.objects.create(
        user=person,
        lead=team.application.applicant,
        model=term.model,
        application=team.application,
        capabilities=term.capabilities,
        starts_at=at,
        ends_at=term.ends_at,
    )
    record_made(grant, by=by)
    return grant
