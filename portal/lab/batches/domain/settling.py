"""Writes the lines of rows whose runs have ended."""

from __future__ import annotations

from django.db.models import Exists, OuterRef, QuerySet

from inference_workers.contract import CancelReason, FailureCode
from portal.lab.batches.domain.results import BROKEN, answer_row, drop_row, refuse_row
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from portal.lab.jobs.domain.stopping import stop_jobs
from portal.lab.jobs.enums import ACTIVE_STATES
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.each import is_passing, note_fault
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

ENDS = {
    BatchStatus.CANCELLED: ("batch_cancelled", "The batch was cancelled before this request ran."),
    BatchStatus.EXPIRED: (
        "batch_expired",
        "The batch's completion window ended before this request ran.",
    ),
}
"""Code and message for rows that did not finish."""
TRY_AGAIN = frozenset({FailureCode.EXPIRED_IN_QUEUE.value})
"""Failures of the queue and not of the row, which is then submitted again."""


def settle_rows(batch: Batch) -> None:
    """Write the lines of the rows whose runs have ended. Concurrent calls write each line once."""
    under_way = GenerationJob.objects.filter(call=OuterRef("call"), state__in=ACTIVE_STATES)
    rows = _submitted(batch).filter(~Exists(under_way)).select_related("call")
    for row in rows.order_by("line").iterator(chunk_size=50):
        changes = _settle(batch, row)
        BatchRow.objects.filter(pk=row.pk, state=RowState.SUBMITTED, call=row.call).update(
            **changes
        )


def stop_runs(batch: Batch) -> None:
    """Ask the runs of a batch that is closing to stop."""
    jobs = GenerationJob.objects.filter(
        call__batch_row__batch=batch, cancel_requested_at__isnull=True
    )
    is_cancelled = ending_of(batch) == BatchStatus.CANCELLED
    reason = CancelReason.USER if is_cancelled else CancelReason.ACCESS_ENDED
    stop_jobs(jobs, reason=reason, actor=batch.user if is_cancelled else None)


def has_runs(batch: Batch) -> bool:
    return _submitted(batch).exists()


def ending_of(batch: Batch) -> BatchStatus | None:
    """The final status of a closing batch; None for a batch that continues."""
    match batch.status:
        case BatchStatus.CANCELLING:
            return BatchStatus.CANCELLED
        case BatchStatus.FINALIZING:
            return BatchStatus(batch.closes_as)
        case _:
            return None


def describe_drop(batch: Batch) -> tuple[str, str]:
    """Code and message for the rows that a closing batch did not run."""
    ending = ending_of(batch)
    if ending in ENDS:
        return ENDS[ending]
    first = batch.errors[0] if batch.errors else {}
    return str(first.get("code", "batch_failed")), str(first.get("message", "The batch failed."))


def _settle(batch: Batch, row: BatchRow) -> dict[str, object]:
    try:
        result = answer_row(row, endpoint=batch.endpoint)
    except DomainError as error:
        if error.code in TRY_AGAIN and ending_of(batch) is None:
            return {"state": RowState.WAITING, "call": None}
        if (
            error.code in (RefusalCode.CANCELLED, RefusalCode.ACCESS_ENDED)
            and ending_of(batch) is not None
        ):
            code, message = describe_drop(batch)
            return {
                "state": RowState.FAILED,
                "result": drop_row(row, code=code, message=message),
            }
        return {"state": RowState.FAILED, "result": refuse_row(row, error)}
    except Exception as error:
        if is_passing(error):
            raise
        note_fault(error, doing="answer_batch_row", row=row)
        return {"state": RowState.FAILED, "result": refuse_row(row, BROKEN)}
    return {"state": RowState.SUCCEEDED, "result": result}


def _submitted(batch: Batch) -> QuerySet[BatchRow]:
    return BatchRow.objects.filter(batch=batch, state=RowState.SUBMITTED)
