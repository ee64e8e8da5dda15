"""The outbox's tasks. Each may run any number of times; each mail is sent once."""

from __future__ import annotations

from celery import shared_task

from portal.platform.core.few_at_a_time import few_at_a_time
from portal.platform.notices.domain import sending
from portal.platform.notices.domain.outbox import SEND_TASK


@shared_task(name=SEND_TASK)
@few_at_a_time(2)
def send_notice(notice_id: int) -> None:
    sending.send_notice(notice_id)


@shared_task(name="portal.notices.send_due")
@few_at_a_time(1)
def send_due() -> None:
    """Send what was held back, lost by the queue or failed before, and digests."""
    sending.send_due()
