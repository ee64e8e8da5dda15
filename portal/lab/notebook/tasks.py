"""The notebook's Celery task."""

from __future__ import annotations

from celery import shared_task
from django.utils import timezone

from portal.lab.notebook.domain import erasure


@shared_task(name="portal.notebook.erase_by_project", ignore_result=True)
def erase_by_project() -> None:
    erasure.erase_by_project(at=timezone.now())
