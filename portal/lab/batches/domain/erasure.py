"""Erasing a person's files and batches."""

from __future__ import annotations

from django.contrib.postgres.functions import RandomUUID
from django.db import transaction
from django.db.models import CharField
from django.db.models.functions import Cast
from django.utils import timezone

from portal.lab.batches.domain.settling import ending_of
from portal.lab.batches.domain.status import move_batch
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow, FileChunk, StoredFile
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import Entry, record_all
from portal.platform.audit.enums import AuditTag


@transaction.atomic
def erase_batches(person: User, *, actor: User | None) -> None:
    """End every batch without result files, and erase all requests and files.

    Counts and times are kept. Runs under way are left to `erase_runs`.
    """
    for batch in Batch.objects.select_for_update().filter(user=person).order_by("pk"):
        _erase_rows(batch)
        _end(batch, actor=actor)
        Batch.objects.filter(pk=batch.pk).update(model_name="", metadata=None, errors=[])
    _erase_files(person, actor=actor)


def _erase_rows(batch: Batch) -> None:
    rows = BatchRow.objects.filter(batch=batch)
    # A worker that settles a row now writes nothing into a row that has failed.
    rows.filter(state__in=[RowState.WAITING, RowState.SUBMITTED]).update(state=RowState.FAILED)
    rows.update(custom_id=Cast(RandomUUID(), CharField()), body="", result="")


def _end(batch: Batch, *, actor: User | None) -> None:
    if batch.status in (BatchStatus.VALIDATING, BatchStatus.IN_PROGRESS):
        move_batch(batch, BatchStatus.CANCELLING, actor=actor, paused_code="", paused_until=None)
    ending = ending_of(batch)
    if ending is not None:
        move_batch(batch, ending, actor=actor)


def _erase_files(person: User, *, actor: User | None) -> None:
    files = StoredFile.objects.filter(user=person)
    FileChunk.objects.filter(file__in=files).delete()
    kept = list(files.filter(erased_at=None).select_for_update().values_list("pk", flat=True))
    files.filter(pk__in=kept).update(erased_at=timezone.now(), filename="")
    record_all([Entry(AuditTag.FILE_ERASED, actor, f"file:{pk}") for pk in kept])
