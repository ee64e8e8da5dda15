"""Putting a step's mail into the outbox, in the step's own transaction."""

from __future__ import annotations

from datetime import datetime

from portal.access.enums import Command
from portal.access.models import Step
from portal.accounts.models import User
from portal.notices.domain.outbox import post

STEP_COMPOSER = "access.step"

MAILED_COMMANDS = frozenset(Command) - {Command.ENDORSE, Command.SUPERSEDE}
"""What the applicant hears of; an endorsement decides nothing, and a replaced grant comes
with the mail about its successor."""
ANNOUNCED_COMMANDS = frozenset({Command.SUBMIT, Command.ENDORSE, Command.WITHDRAW})
"""What reviewers hear of: work for them has come, or has gone."""


def dispatch_mail(step: Step, *, not_before: datetime | None = None) -> None:
    """Post one notice to each person that a step concerns; the applicant's at `not_before`.

    Reviewers never hear of their own application or of what they did themselves.
    """
    application = step.application
    if application.submitted_at is None:
        # A draft that is thrown away is nobody's news.
        return
    about = f"application:{application.case_number}"
    data = {"step": step.pk}
    if step.command in MAILED_COMMANDS:
        post(
            application.applicant,
            kind=f"access.{step.command}",
            composer=STEP_COMPOSER,
            data=data,
            about=about,
            not_before=not_before,
        )
    if step.command in ANNOUNCED_COMMANDS:
        for reviewer in _reviewers_to_call(step):
            post(
                reviewer,
                kind=f"access.reviewers_{step.command}",
                composer=STEP_COMPOSER,
                data=data,
                about=about,
                may_wait=True,
            )


def _reviewers_to_call(step: Step) -> list[User]:
    reviewers = User.objects.filter(is_reviewer=True, is_active=True)
    return list(
        reviewers.exclude(pk__in=[step.application.applicant_id, step.actor_id]).order_by("email")
    )
