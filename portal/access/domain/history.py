"""An application's history, as one of its readers sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from portal.access.domain.commands import name_actor
from portal.access.enums import Command
from portal.access.models import Application, Step
from portal.accounts.models import User


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: what happened, who did it, when, and what they wrote."""

    command: Command
    title: str
    who: str
    at: datetime
    note: str


def tell_history(application: Application, *, viewer: User) -> list[Entry]:
    """Every step, oldest first. Reviewers see names; applicants see “a reviewer”."""
    return [
        Entry(
            command=Command(step.command),
            title=_title(step),
            who=name_actor(step, viewer=viewer),
            at=step.at,
            note=step.note,
        )
        for step in application.steps.select_related("actor", "application", "grant__model")
    ]


def _title(step: Step) -> str:
    label = str(Command(step.command).label)
    return f"{label}: {step.grant.model.name}" if step.grant else label
