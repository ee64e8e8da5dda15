"""What an applicant is shown: nothing that they have not been notified of."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from portal.gate.access.enums import REVIEW_STATES, ApplicationState, Command, GrantState, Role
from portal.gate.access.models import Application, Grant, Ruling
from portal.gate.access.rules import application_commands
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class HeldMoves:
    """The effect of held decisions on a person's grants: the ids of those they made, and the
    earlier state of those they moved.
    """

    made: frozenset[int]
    moved: Mapping[int, str]
    untold_steps: Q


def as_visible(application: Application, *, at: datetime) -> Application:
    """A copy to show to the applicant, with the state that they know; never save it."""
    shown = copy(application)
    shown.state = application.visible_state(at=at)
    if application.is_held(at=at):
        shown.decided_at = None
    return shown


def visible_grants(user: User, *, at: datetime) -> QuerySet[Grant]:
    """The person's grants that have begun, newest first."""
    return Grant.objects.begun(at=at).filter(user=user).select_related("model", "application")


def as_led(grant: Grant, *, at: datetime) -> Grant:
    """A copy to show, worth no more than the lead's grant that it follows; never save it."""
    if grant.lead is None or grant.state != GrantState.ACTIVE:
        return grant
    own = visible_grants(grant.lead, at=at).filter(lead=None, model=grant.model_id)
    shown, newest = copy(grant), own.order_by("-starts_at", "-id").first()
    if newest is not None:
        shown.state, shown.ends_at = newest.state, min(newest.ends_at, grant.ends_at)
    return shown


def held_moves(user: User, *, at: datetime) -> HeldMoves:
    """The held moves; `visible_grants` shows the successor of a grant in force immediately."""
    made: set[int] = set()
    moved: dict[int, str] = {}
    unannounced = Q(pk__in=[])
    for ruling in Ruling.objects.filter(
        step__application__applicant=user, taken_back_at=None, effective_at__gt=at
    ):
        made |= set(ruling.made_grants)
        before = {int(pk): str(state) for pk, state in ruling.moved_grants}
        moved |= before
        unannounced |= Q(grant__in=list(before), at__gte=ruling.made_at)
    return HeldMoves(frozenset(made), moved, unannounced)


def who_acts_next(application: Application, *, at: datetime) -> str:
    """`you`, `a reviewer`, or empty."""
    state = application.visible_state(at=at)
    if state in REVIEW_STATES:
        return "a reviewer"
    is_open = state in (ApplicationState.DRAFT, ApplicationState.RETURNED)
    return "you" if is_open else ""


def is_open_to_applicant(command: Command, application: Application, *, at: datetime) -> bool:
    """Whether to offer a command to the applicant now; none while a decision is held."""
    if application.is_held(at=at):
        return False
    if command == Command.APPEAL and application.appealed_at is not None:
        return False
    return command in application_commands(ApplicationState(application.state), Role.APPLICANT)
