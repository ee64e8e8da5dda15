"""Mail about steps. Each task may run any number of times; each mail leaves once."""

from __future__ import annotations

import structlog
from celery import shared_task

from portal.access.domain import notices
from portal.access.domain.dispatch import ANNOUNCE_TASK, MAIL_TASK, SWEEP_TASK

log = structlog.get_logger(__name__)


@shared_task(name=MAIL_TASK)
def mail_step(step_id: int) -> None:
    notices.mail_step(step_id)


@shared_task(name=ANNOUNCE_TASK)
def announce_step(step_id: int) -> None:
    notices.announce_step(step_id)


@shared_task(name=SWEEP_TASK)
def mail_missed_steps() -> None:
    """Try again what the queue lost or the mail server refused; beat asks every minute."""
    for step_id in notices.find_unsent():
        log.warning("step_mail_missed", step_id=step_id)
        mail_step.delay(step_id)
        announce_step.delay(step_id)
