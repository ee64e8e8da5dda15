"""Beat's tasks for retention and erasure. Each task can run any number of times."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.desk.privacy.domain import carrying_out, retention


@shared_task(name="portal.privacy.carry_out_retention", ignore_result=True)
def carry_out_retention() -> None:
    retention.carry_out_retention(at=timezone.now())


@shared_task(name="portal.privacy.carry_out_erasures", ignore_result=True)
def carry_out_erasures() -> None:
    carrying_out.carry_out_due(at=timezone.now())
