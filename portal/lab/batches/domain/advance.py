"""One step of a batch: settle ended rows, submit rows while there is room, end it when done.

Safe to call at any time, from any number of workers at once, and after a crash at any point.
"""

from __future__ import annotations

from uuid import UUID

from django.db import transaction
from django.utils import timezone

from portal.lab.batches.domain.checking import check_batch
from portal.lab.batches.domain.closing import finish_batch
from portal.lab.batches.domain.dispatch import receive_nudge
from portal.lab.batches.domain.lines import LineError
from portal.lab.batches.domain.rights import require_rights
from portal.lab.batches.domain.settling import settle_rows, stop_runs
from portal.lab.batches.domain.status import close_batch, lock_batch
from portal.lab.batches.domain.submitting import WAITS_FOR, pause, submit_rows
from portal.lab.batches.enums import ACTIVE_STATUSES, BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from portal.platform.core.each import do_each
from portal.platform.core.errors import DomainError


def advance_all() -> None:
    """Advance every batch that has not ended, oldest first. A fault in one stops no other."""
    active = Batch.objects.filter(status__in=ACTIVE_STATUSES).order_by("created_at")
    do_each(list(active.values_list("pk", flat=True)), advance_batch, doing="advance_batch")


def advance_batch(batch_id: UUID) -> None:
    """Advance one batch."""
    receive_nudge(batch_id)
    batch = _read(batch_id)
    if batch.status == BatchStatus.VALIDATING:
        check_batch(batch)
        batch = _read(batch_id)
    if batch.status == BatchStatus.IN_PROGRESS:
        _go_on(batch)
        batch = _read(batch_id)
    if batch.status in (BatchStatus.FINALIZING, BatchStatus.CANCELLING):
        stop_runs(batch)
        settle_rows(batch)
        finish_batch(batch)


def _go_on(batch: Batch) -> None:
    settle_rows(batch)
    now = timezone.now()
    if now >= batch.expires_at:
        _close(batch, as_status=BatchStatus.EXPIRED)
        return
    if batch.paused_until is None or batch.paused_until <= now:
        _unpause(batch)
        if _may_go_on(batch):
            submit_rows(batch)
    left = BatchRow.objects.filter(batch=batch, state__in=(RowState.WAITING, RowState.SUBMITTED))
    if not left.exists():
        _close(batch, as_status=BatchStatus.COMPLETED)


def _may_go_on(batch: Batch) -> bool:
    if batch.model is None:
        raise TypeError("the batch has not been checked")
    try:
        require_rights(batch, batch.model)
    except DomainError as error:
        if error.code in WAITS_FOR:
            pause(batch, code=str(error.code))
        else:
            reason = LineError(str(error.code), error.message)
            _close(batch, as_status=BatchStatus.FAILED, errors=(reason,))
        return False
    return True


def _close(batch: Batch, *, as_status: BatchStatus, errors: tuple[LineError, ...] = ()) -> None:
    with transaction.atomic():
        if (locked := lock_batch(batch, BatchStatus.IN_PROGRESS)) is not None:
            close_batch(locked, as_status=as_status, errors=errors)


def _unpause(batch: Batch) -> None:
    if batch.paused_until is not None:
        Batch.objects.filter(pk=batch.pk).update(paused_code="", paused_until=None)


def _read(batch_id: UUID) -> Batch:
    return Batch.objects.select_related("user", "key", "model__release__licence").get(pk=batch_id)
