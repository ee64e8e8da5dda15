"""The portal's Celery tasks for jobs; each parses its message and calls domain functions."""

from __future__ import annotations

from typing import Any

from celery import shared_task
from django.utils import timezone

from inference_workers.contract import (
    TASK_RECORD_OUTCOME,
    TASK_RECORD_STARTED,
    JobOutcome,
    JobsStarted,
)
from portal.lab.jobs.domain import access, lifecycle, reaper, reaper_actions, retention


@shared_task(name=TASK_RECORD_STARTED, ignore_result=True)
def record_started(message: dict[str, Any]) -> None:
    lifecycle.record_started(JobsStarted.model_validate(message).starts)


@shared_task(name=TASK_RECORD_OUTCOME, ignore_result=True)
def record_outcome(message: dict[str, Any]) -> None:
    lifecycle.record_outcome(JobOutcome.model_validate(message))


@shared_task(name="portal.jobs.reap", ignore_result=True)
def reap() -> None:
    access.cancel_jobs_past_an_end(at=timezone.now())
    reaper.reap_jobs()
    reaper_actions.note_round()


@shared_task(name="portal.jobs.erase_old_prompts", ignore_result=True)
def erase_old_prompts() -> None:
    retention.erase_old_prompts()
