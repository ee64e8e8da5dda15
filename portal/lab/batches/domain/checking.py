"""The file of a new batch becomes its rows, or the batch fails with the file's errors."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict

from django.conf import settings
from django.db import transaction

from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.authentication import require_scope
from portal.lab.batches.domain.endpoints import ENDPOINTS
from portal.lab.batches.domain.files import read_lines
from portal.lab.batches.domain.lines import ERRORS_NAMED, LineError, RowRequest, read_requests
from portal.lab.batches.domain.results import BROKEN, refuse_row
from portal.lab.batches.domain.rights import require_rights
from portal.lab.batches.domain.status import lock_batch, move_batch
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow
from portal.lab.completions.domain.models import find_model
from portal.platform.core.each import is_passing, note_fault
from portal.platform.core.errors import DomainError

ROWS_AT_A_TIME = 1000


def check_batch(batch: Batch) -> None:
    """Make the rows and begin, or fail, in one transaction."""
    try:
        _check(batch)
    except Exception as error:
        if is_passing(error):
            raise
        note_fault(error, doing="check_batch", row=batch)
        with transaction.atomic():
            if (locked := lock_batch(batch, BatchStatus.VALIDATING)) is not None:
                _fail(locked, [LineError(BROKEN.code, BROKEN.message)])


def _check(batch: Batch) -> None:
    with transaction.atomic():
        locked = lock_batch(batch, BatchStatus.VALIDATING, wait=False)
        if locked is None:
            return
        errors, name = _make_rows(locked)
        model = None
        if not errors:
            try:
                model = _open_model(locked, name)
            except DomainError as error:
                errors = [LineError(str(error.code), error.message, param="body.model")]
        if errors:
            BatchRow.objects.filter(batch=locked).delete()
            _fail(locked, errors)
        else:
            move_batch(locked, BatchStatus.IN_PROGRESS, model=model, model_name=name)


def _fail(batch: Batch, errors: Sequence[LineError]) -> None:
    move_batch(batch, BatchStatus.FAILED, errors=[asdict(error) for error in errors])


def _make_rows(batch: Batch) -> tuple[list[LineError], str]:
    """Insert the valid rows; return the errors and the model's name."""
    errors: list[LineError] = []
    requests: list[RowRequest] = []
    count, name = 0, ""
    for found in read_requests(read_lines(batch.input_file), endpoint=batch.endpoint):
        if isinstance(found, RowRequest) and found.body["model"] != (name or found.body["model"]):
            found = _refuse_model(found.line)  # noqa: PLW2901 -- the row is invalid
        if isinstance(found, LineError):
            errors.append(found)
            if len(errors) == ERRORS_NAMED:
                break
            continue
        name = str(found.body["model"])
        count += 1
        requests.append(found)
        if len(requests) == ROWS_AT_A_TIME:
            _insert(batch, requests)
            requests.clear()
    _insert(batch, requests)
    if not errors and not count:
        errors.append(LineError("empty_file", "The file contains no requests."))
    if count > settings.BATCH_ROWS:
        message = f"The file has {count:,} requests; the limit is {settings.BATCH_ROWS:,}."
        errors.append(LineError("too_many_requests", message))
    return errors, name


def _insert(batch: Batch, requests: Sequence[RowRequest]) -> None:
    """Make the rows; those that could never run fail immediately."""
    rows = BatchRow.objects.bulk_create(_row(batch, request) for request in requests)
    refused = []
    for row, request in zip(rows, requests, strict=True):
        if request.fault is not None:
            row.state, row.result = RowState.FAILED, refuse_row(row, request.fault)
            refused.append(row)
    BatchRow.objects.bulk_update(refused, ["state", "result"])


def _row(batch: Batch, request: RowRequest) -> BatchRow:
    body = "" if request.fault else json.dumps(request.body)
    return BatchRow(batch=batch, line=request.line, custom_id=request.custom_id, body=body)


def _open_model(batch: Batch, name: str) -> HostedModel:
    model = find_model(name, key=batch.key)
    require_scope(batch.key, ENDPOINTS[batch.endpoint].scope, model)
    require_rights(batch, model)
    return model


def _refuse_model(line: int) -> LineError:
    return LineError(
        "mismatched_model",
        f"Line {line} names a different model from the lines before it. A batch uses one model.",
        line=line,
        param="body.model",
    )
