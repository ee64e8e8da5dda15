"""Putting a step's mail into the outbox, and taking it back, in the step's own transaction."""

from __future__ import annotations

from datetime import datetime

from portal.gate.access.enums import INTERNAL_COMMANDS, Command
from portal.gate.access.models import Step
from portal.platform.accounts.models import User
from portal.platform.notices.domain.outbox import post, withdraw

STEP_COMPOSER = "access.step"

MAILED_COMMANDS = (
    frozenset(Command)
    - set(INTERNAL_COMMANDS)
    - {Command.ENDORSE, Command.SUPERSEDE, Command.HALT, Command.END}
    - {Command.EXTEND, Command.GIVE_BACK, Command.LEAVE}
)
"""What the applicant gets a mail about. An endorsement decides nothing, and the mail about an
application or a renewal also says what happens to its grant."""
ANNOUNCED_COMMANDS = frozenset(
    {Command.SUBMIT, Command.ENDORSE, Command.WITHDRAW, Command.APPEAL, Command.REOPEN}
)
"""What reviewers get a mail about: new work, or work that is no longer needed."""


def dispatch_mail(step: Step, *, not_before: datetime | None = None) -> None:
    """Post one notice to each person that a step concerns; the applicant's at `not_before`.

    Reviewers get no mail about their own application or about what they did themselves.
    """
    application = step.application
    if application.submitted_at is None:
        # A discarded draft needs no mail.
        return
    about, data = _subject(step), {"step": step.pk}
    if step.command in MAILED_COMMANDS:
        post(
            step.grant.user if step.grant else application.applicant,
            kind=_kind(step),
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


def withdraw_mail(step: Step) -> None:
    """Take the applicant's notice about a step out of the outbox, unless it has left."""
    withdraw(about=_subject(step), kind=_kind(step), data={"step": step.pk})


def _subject(step: Step) -> str:
    return f"application:{step.application.case_number}"


def _kind(step: Step) -> str:
    return f"access.{step.command}"


def _reviewers_to_call(step: Step) -> list[User]:
    reviewers = User.objects.filter(is_reviewer=True, is_active=True)
    concerned = [pk for pk in (step.application.applicant_id, step.actor_id) if pk is not None]
    return list(reviewers.exclude(pk__in=concerned).order_by("email"))
