"""The last step of a batch: the lines of its rows become its files."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import chain

from django.db import transaction

from portal.lab.batches.domain.files import write_file
from portal.lab.batches.domain.results import drop_row
from portal.lab.batches.domain.settling import describe_drop, ending_of, has_runs
from portal.lab.batches.domain.status import lock_batch, move_batch
from portal.lab.batches.enums import BatchStatus, FilePurpose, RowState
from portal.lab.batches.models import Batch, BatchRow, StoredFile


def finish_batch(batch: Batch) -> bool:
    """Write both files and the final status in one transaction; False if runs are under way.

    The output file has all rows that succeeded, however the batch ends.
    """
    with transaction.atomic():
        locked = lock_batch(batch, BatchStatus.FINALIZING, BatchStatus.CANCELLING, wait=False)
        ending = ending_of(locked) if locked else None
        if locked is None or ending is None or has_runs(locked):
            return False
        output = _write(locked, RowState.SUCCEEDED, name="output")
        errors = _write(locked, RowState.FAILED, RowState.WAITING, name="error")
        rows = BatchRow.objects.filter(batch=locked)
        rows.filter(state=RowState.WAITING).update(state=RowState.FAILED)
        rows.update(body="", result="")
        return move_batch(locked, ending, output_file=output, error_file=errors)


def _write(batch: Batch, *states: RowState, name: str) -> StoredFile | None:
    rows = BatchRow.objects.filter(batch=batch, state__in=states).order_by("line")
    lines = _lines(batch, rows.iterator(chunk_size=200))
    first = next(lines, None)
    if first is None:
        return None
    return write_file(
        batch.user,
        chain([first], lines),
        name=f"batch_{batch.pk.hex}_{name}.jsonl",
        purpose=FilePurpose.BATCH_OUTPUT,
    )


def _lines(batch: Batch, rows: Iterator[BatchRow]) -> Iterator[bytes]:
    code, message = describe_drop(batch)
    for row in rows:
        line = row.result or drop_row(row, code=code, message=message)
        yield line.encode() + b"\n"
