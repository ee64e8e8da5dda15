"""Periodic work on ends. The task may run any number of times; each mail is sent once."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.gate.renewals.domain import endings


@shared_task(name="portal.renewals.watch_ends", ignore_result=True)
def watch_ends() -> None:
    endings.watch_ends(at=timezone.now())
