"""Rows become runs, a bounded number at a time, each exactly once."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.gate.catalog.models import HostedModel
from portal.lab.batches.domain.endpoints import ENDPOINTS
from portal.lab.batches.domain.lines import LineError
from portal.lab.batches.domain.results import BROKEN, refuse_row
from portal.lab.batches.domain.status import close_batch, lock_batch
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from portal.lab.jobs.domain.admission import AccessRefused, reserve_for
from portal.lab.jobs.domain.calls import CallOrigin, Submitted, submit_call
from portal.lab.jobs.domain.workers import engine_status
from portal.lab.jobs.enums import ACTIVE_STATES, JobClass
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.each import is_passing, note_fault
from portal.platform.core.errors import DomainError
from portal.platform.core.idempotency import hash_request
from portal.platform.core.refusals import RefusalCode

PAUSE: Final = timedelta(seconds=30)
"""After this time a batch that had to wait tries again."""
BUSY: Final = RefusalCode.COMPILER_BUSY
WAITS_FOR: Final = frozenset(
    {RefusalCode.QUOTA_EXCEEDED, RefusalCode.MODEL_OFFLINE, RefusalCode.MODEL_LOADING, BUSY}
)
"""Refusals that pass with time."""
NOT_KEPT: Final = {"prompt"}
"""Text that people wrote, which a call's row does not store."""


def submit_rows(batch: Batch) -> None:
    """Submit rows in order until the batch has as many runs under way as it may."""
    window = count_window(batch)
    while _submit_next(batch, window=window):
        pass


def count_window(batch: Batch) -> int:
    """Twice the number of runs that one person may have, shared by the person's batches."""
    own = Batch.objects.filter(user=batch.user_id, status=BatchStatus.IN_PROGRESS).count()
    return max(1, 2 * settings.API_JOBS_PER_USER // max(1, own))


def pause(batch: Batch, *, code: str) -> None:
    """Submit nothing until PAUSE has passed, and record the reason."""
    Batch.objects.filter(pk=batch.pk).update(paused_code=code, paused_until=timezone.now() + PAUSE)


def _submit_next(batch: Batch, *, window: int) -> bool:
    """Submit one row with its call and new state in one transaction, under the batch's lock.

    False if the batch can submit no more rows now.

    After a crash a row is either waiting without runs or submitted with them.
    """
    with transaction.atomic():
        locked = lock_batch(batch, BatchStatus.IN_PROGRESS, wait=False)
        if locked is None:
            return False
        rows = BatchRow.objects.filter(batch=locked)
        row = rows.filter(state=RowState.WAITING).order_by("line").first()
        # Runs are counted, not rows: one row may have hundreds.
        if row is None or _count_runs(locked) >= window:
            return False
        return _submit_or_refuse(locked, row)


def _count_runs(batch: Batch) -> int:
    return GenerationJob.objects.filter(
        call__batch_row__batch=batch, state__in=ACTIVE_STATES
    ).count()


def _submit_or_refuse(batch: Batch, row: BatchRow) -> bool:
    """Submit the row. An error that concerns only this row fails the row, not the batch.

    False if the batch has to wait or to end.
    """
    try:
        with transaction.atomic():
            submitted = _submit(batch, row)
    except AccessRefused as error:
        _stop(batch, error)
        return False
    except DomainError as error:
        if error.code in WAITS_FOR and (error.code == BUSY or not _never_fits(batch, row)):
            pause(batch, code=str(error.code))
            return False
        _refuse(row, error)
    except Exception as error:
        if is_passing(error):
            raise
        note_fault(error, doing="submit_batch_row", row=row)
        _refuse(row, BROKEN)
    else:
        _note_submitted(row, submitted)
    return True


def _note_submitted(row: BatchRow, submitted: Submitted) -> None:
    BatchRow.objects.filter(pk=row.pk, state=RowState.WAITING).update(
        state=RowState.SUBMITTED, call=submitted.call
    )


def _refuse(row: BatchRow, error: DomainError) -> None:
    BatchRow.objects.filter(pk=row.pk, state=RowState.WAITING).update(
        state=RowState.FAILED, result=refuse_row(row, error)
    )


def _submit(batch: Batch, row: BatchRow) -> Submitted:
    body = json.loads(row.body)
    model = _model(batch)
    runs = ENDPOINTS[batch.endpoint].plan(body, model=model)
    origin = CallOrigin(
        endpoint=batch.endpoint,
        key=batch.key,
        # Of one row, so that a request by itself is never taken for its repetition.
        fingerprint=hash_request("batch", row.pk, batch.endpoint, body),
        request={name: value for name, value in body.items() if name not in NOT_KEPT},
    )
    return submit_call(batch.user, model=model, runs=runs, origin=origin, job_class=JobClass.BATCH)


def _stop(batch: Batch, refused: AccessRefused) -> None:
    if refused.code in WAITS_FOR:
        pause(batch, code=str(refused.code))
    else:
        error = LineError(str(refused.code), refused.message)
        close_batch(batch, as_status=BatchStatus.FAILED, errors=[error])


def _never_fits(batch: Batch, row: BatchRow) -> bool:
    """Whether the row needs more tokens than the whole quota of 24 hours."""
    model = _model(batch)
    engine = engine_status(model.deployment)
    runs = ENDPOINTS[batch.endpoint].plan(json.loads(row.body), model=model)
    needed = sum(reserve_for(model, run, engine=engine) for run in runs)
    return needed > settings.DAILY_TOKEN_QUOTA


def _model(batch: Batch) -> HostedModel:
    if batch.model is None:
        raise TypeError("the batch has not been checked")
    return batch.model
