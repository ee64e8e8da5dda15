"""The error for a command that came too late, in words for its viewer."""

from __future__ import annotations

from datetime import datetime

from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.gate.access.enums import INTERNAL_COMMANDS, ApplicationState, Command, GrantState
from portal.gate.access.models import Application, Grant, Step
from portal.platform.accounts.models import User
from portal.platform.core.errors import LostRace


def lost_application(application: Application, *, viewer: User | None) -> LostRace:
    """The error for a command that came too late: the state now, and who set it.

    An applicant learns no more than their pages show: a held decision is still in review.
    """
    application.refresh_from_db(fields=["state", "revision", "effective_at"])
    state = ApplicationState(application.state)
    steps = application.steps.filter(grant=None).select_related("actor")
    if viewer is not None and application.applicant_id == viewer.pk:
        now = timezone.now()
        state = application.visible_state(at=now)
        steps = hide_unannounced(steps, at=now)
    return LostRace(_say("application", str(state.label), steps.last(), viewer=viewer))


def hide_unannounced(steps: QuerySet[Step], *, at: datetime) -> QuerySet[Step]:
    """Leave out what an applicant does not see: internal steps, and decisions held
    or taken back.
    """
    unannounced = Q(ruling__taken_back_at__isnull=False) | Q(ruling__effective_at__gt=at)
    return steps.exclude(command__in=INTERNAL_COMMANDS).exclude(unannounced)


def lost_grant(grant: Grant, *, viewer: User | None) -> LostRace:
    """As `lost_application`, for a grant."""
    grant.refresh_from_db(fields=["state", "revision"])
    step = grant.steps.select_related("actor").last()
    return LostRace(_say("grant", str(GrantState(grant.state).label), step, viewer=viewer))


def _say(what: str, state: str, step: Step | None, *, viewer: User | None) -> str:
    now = f"Nothing was changed. This {what} is now “{state.lower()}”"
    if step is None:
        return f"{now}."
    command = str(Command(step.command).label).lower()
    who = name_actor(step, viewer=viewer)
    return f"{now}: {command} by {who} on {step.at:%d %B %Y at %H:%M} UTC."


def name_actor(step: Step, *, viewer: User | None) -> str:
    """Who made a step. Reviewers see names; applicants, even if reviewers, see “a reviewer”."""
    if step.actor is None:
        return "this site"
    if viewer is not None and step.actor_id == viewer.pk:
        return "you"
    is_owner = viewer is not None and step.application.applicant_id == viewer.pk
    return "a reviewer" if is_owner else step.actor.name
