"""The portal's Celery tasks for batches; each calls one domain function."""

from __future__ import annotations

from uuid import UUID

from celery import shared_task

from portal.lab.batches.domain import advance as advancing
from portal.lab.batches.domain.dispatch import ADVANCE_TASK
from portal.lab.batches.domain.files import erase_old_files as erase


@shared_task(name=ADVANCE_TASK, ignore_result=True)
def advance(batch_id: str) -> None:
    advancing.advance_batch(UUID(batch_id))


@shared_task(name="portal.batches.advance_all", ignore_result=True)
def advance_all() -> None:
    advancing.advance_all()


@shared_task(name="portal.batches.erase_old_files", ignore_result=True)
def erase_old_files() -> None:
    erase()
