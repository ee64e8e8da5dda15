"""A renewal's history, as one of its readers sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.db.models import QuerySet

from portal.gate.renewals.enums import DESK_COMMANDS, RenewalCommand
from portal.gate.renewals.models import Renewal, RenewalStep
from portal.platform.accounts.models import User

UNTOLD = (*DESK_COMMANDS, RenewalCommand.ENDORSE)


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: what happened, who did it, when, and what they wrote."""

    title: str
    who: str
    at: datetime
    note: str


def list_history(renewal: Renewal, *, viewer: User) -> list[Entry]:
    """Every step, oldest first. Reviewers see names; holders see “a reviewer”, but neither
    claims and releases nor a first approval, which decides nothing yet.
    """
    steps = renewal.steps.all()
    if renewal.holder_id == viewer.pk:
        steps = steps.exclude(command__in=UNTOLD)
    steps = steps.select_related("actor", "renewal")
    return [
        Entry(_title(step), name_actor(step, viewer=viewer), step.at, step.note) for step in steps
    ]


def visible_steps(holder: User) -> QuerySet[RenewalStep]:
    """The steps of all their renewals that the holder is shown."""
    return RenewalStep.objects.filter(renewal__holder=holder).exclude(command__in=UNTOLD)


def name_actor(step: RenewalStep, *, viewer: User | None) -> str:
    """Who made a step, as `list_history` names them to a reader."""
    if step.actor is None:
        return "this site"
    if viewer is not None and step.actor_id == viewer.pk:
        return "you"
    is_holder = viewer is not None and step.renewal.holder_id == viewer.pk
    return "a reviewer" if is_holder else step.actor.name


def _title(step: RenewalStep) -> str:
    label = str(RenewalCommand(step.command).label)
    return f"{label} until {step.ends_at:%-d %B %Y}" if step.ends_at else label
