"""What beat does about retention. The task may run any number of times."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.privacy.domain import retention


@shared_task(name="portal.privacy.carry_out_retention", ignore_result=True)
def carry_out_retention() -> None:
    retention.carry_out_retention(at=timezone.now())
