"""Handing a step's mail to the queue once the step is committed."""

from __future__ import annotations

from datetime import datetime

from celery import current_app
from django.db import transaction
from django.utils import timezone

from portal.access.enums import INTERNAL_COMMANDS, Command
from portal.access.models import Step

MAIL_TASK = "portal.access.mail_step"
ANNOUNCE_TASK = "portal.access.announce_step"
SWEEP_TASK = "portal.access.mail_missed_steps"

MAILED_COMMANDS = (
    frozenset(Command)
    - set(INTERNAL_COMMANDS)
    - {Command.ENDORSE, Command.SUPERSEDE, Command.HALT, Command.END}
)
"""What the applicant hears of; an endorsement decides nothing, and what happens to a grant
together with its application comes with the mail about that."""
ANNOUNCED_COMMANDS = frozenset(
    {Command.SUBMIT, Command.ENDORSE, Command.WITHDRAW, Command.APPEAL, Command.REOPEN}
)
"""What reviewers hear of: work for them has come, or has gone."""


def dispatch_mail(step: Step, *, not_before: datetime | None = None) -> None:
    """Send the tasks on commit; the applicant's mail leaves at `not_before`, if that is given.

    A broker that is down is logged and costs nobody their step: the sweep finds what was not
    sent. `mail_step` itself refuses to send a decision that is held or was taken back.
    """
    if step.command in MAILED_COMMANDS:
        _send_on_commit(MAIL_TASK, step.pk, not_before=not_before)
    if step.command in ANNOUNCED_COMMANDS:
        _send_on_commit(ANNOUNCE_TASK, step.pk)


def _send_on_commit(task: str, step_id: int, *, not_before: datetime | None = None) -> None:
    eta = not_before if not_before and not_before > timezone.now() else None
    transaction.on_commit(lambda: current_app.send_task(task, args=[step_id], eta=eta), robust=True)
