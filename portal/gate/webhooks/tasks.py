"""The tasks of webhooks. Each may run any number of times; the order is kept."""

from __future__ import annotations

from celery import shared_task

from portal.gate.webhooks.domain import fan_out, forgetting, sending
from portal.gate.webhooks.domain.tasks import DISPATCH_TASK, SEND_TASK
from portal.platform.core.few_at_a_time import few_at_a_time


@shared_task(name=DISPATCH_TASK, ignore_result=True)
def dispatch() -> None:
    """Fan out due events, and start a task for each endpoint that has something to send."""
    fan_out.dispatch_due()


@shared_task(name=SEND_TASK, ignore_result=True)
@few_at_a_time(2)
def send(endpoint_id: int) -> None:
    sending.send_waiting(endpoint_id)


@shared_task(name="portal.webhooks.forget_old", ignore_result=True)
def forget_old() -> None:
    forgetting.forget_old()
