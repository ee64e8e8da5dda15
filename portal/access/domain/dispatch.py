"""Handing a step's mail to the queue once the step is committed."""

from __future__ import annotations

from celery import current_app
from django.db import transaction

from portal.access.enums import Command
from portal.access.models import Step

MAIL_TASK = "portal.access.mail_step"
ANNOUNCE_TASK = "portal.access.announce_step"
SWEEP_TASK = "portal.access.mail_missed_steps"

MAILED_COMMANDS = frozenset(Command) - {Command.ENDORSE, Command.SUPERSEDE}
"""What the applicant hears of; an endorsement decides nothing, and a replaced grant comes
with the mail about its successor."""
ANNOUNCED_COMMANDS = frozenset({Command.SUBMIT, Command.ENDORSE, Command.WITHDRAW})
"""What reviewers hear of: work for them has come, or has gone."""


def dispatch_mail(step: Step) -> None:
    """Send the tasks on commit. A broker that is down is logged and costs nobody their step:
    the sweep finds what was not sent.
    """
    if step.command in MAILED_COMMANDS:
        _send_on_commit(MAIL_TASK, step.pk)
    if step.command in ANNOUNCED_COMMANDS:
        _send_on_commit(ANNOUNCE_TASK, step.pk)


def _send_on_commit(task: str, step_id: int) -> None:
    transaction.on_commit(lambda: current_app.send_task(task, args=[step_id]), robust=True)
