"""An application's history, as one of its readers sees it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils import timezone

from portal.gate.access.domain.process.versions import label_notes
from portal.gate.access.domain.workflow.lost_races import hide_unannounced, name_actor
from portal.gate.access.enums import Command, ReasonCode
from portal.gate.access.models import Application, Step
from portal.platform.accounts.models import User


@dataclass(frozen=True)
class Entry:
    """One line of a timeline: what happened, who did it, when, and what they wrote."""

    command: Command
    title: str
    who: str
    at: datetime
    note: str
    reason: str = ""
    field_notes: tuple[tuple[str, str], ...] = ()
    is_taken_back: bool = False


def list_history(application: Application, *, viewer: User) -> list[Entry]:
    """Every step, oldest first. Reviewers see names; applicants see “a reviewer”, no internal
    steps, and no decision before they are notified of it.
    """
    steps = application.steps.select_related(
        "actor", "application", "grant__model", "grant__user", "ruling"
    )
    if application.applicant_id == viewer.pk:
        steps = hide_unannounced(steps, at=timezone.now())
    return [
        Entry(
            command=Command(step.command),
            title=_title(step),
            who=name_actor(step, viewer=viewer),
            at=step.at,
            note=step.note,
            **_ruling_of(step),
        )
        for step in steps
    ]


def _ruling_of(step: Step) -> dict[str, Any]:
    ruling = getattr(step, "ruling", None)
    if ruling is None:
        return {}
    return {
        "reason": str(ReasonCode(ruling.reason_code).label) if ruling.reason_code else "",
        "field_notes": tuple(label_notes(ruling)),
        "is_taken_back": ruling.taken_back_at is not None,
    }


def _title(step: Step) -> str:
    label = str(Command(step.command).label)
    if step.grant is None:
        return label
    whose = f" for {step.grant.user.name} (team member)" if step.grant.lead_id else ""
    return f"{label}: {step.grant.model.name}{whose}"
