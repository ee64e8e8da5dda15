"""The file of a new batch becomes its rows, or the batch fails with what is wrong with it."""

from __future__ import annotations

import json

from django.conf import settings
from django.db import transaction

from portal.batches.domain.endpoints import ENDPOINTS
from portal.batches.domain.files import read_lines
from portal.batches.domain.lines import ERRORS_NAMED, LineError, RowRequest, read_requests
from portal.batches.domain.rights import require_rights
from portal.batches.domain.status import lock_batch, move_batch
from portal.batches.enums import BatchStatus
from portal.batches.models import Batch, BatchRow
from portal.catalog.models import HostedModel
from portal.completions.domain.models import find_model
from portal.core.errors import DomainError
from portal.keys.domain.authentication import require_scope

ROWS_AT_A_TIME = 1000


def check_batch(batch: Batch) -> None:
    """Make the rows and begin, or fail. All in one transaction: it is done whole or not at all."""
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
            move_batch(locked, BatchStatus.FAILED, errors=[error.as_json() for error in errors])
        else:
            move_batch(locked, BatchStatus.IN_PROGRESS, model=model, model_name=name)


def _make_rows(batch: Batch) -> tuple[list[LineError], str]:
    """Rows in the database as far as the file is good, what is wrong, and the model's name."""
    errors: list[LineError] = []
    rows: list[BatchRow] = []
    count, name = 0, ""
    for found in read_requests(read_lines(batch.input_file), endpoint=batch.endpoint):
        if isinstance(found, RowRequest) and found.body["model"] != (name or found.body["model"]):
            found = _refuse_model(found.line)  # noqa: PLW2901 -- the row turned out to be no good
        if isinstance(found, LineError):
            errors.append(found)
            if len(errors) == ERRORS_NAMED:
                break
            continue
        name = str(found.body["model"])
        count += 1
        rows.append(_row(batch, found))
        if len(rows) == ROWS_AT_A_TIME:
            BatchRow.objects.bulk_create(rows)
            rows.clear()
    BatchRow.objects.bulk_create(rows)
    if not errors and not count:
        errors.append(LineError("empty_file", "The file holds no request."))
    if count > settings.BATCH_ROWS:
        message = f"The file has {count:,} requests, and one may have {settings.BATCH_ROWS:,}."
        errors.append(LineError("too_many_requests", message))
    return errors, name


def _row(batch: Batch, request: RowRequest) -> BatchRow:
    # As ASCII, because PostgreSQL's text has no NUL and JSON may name one.
    body = json.dumps(request.body)
    return BatchRow(batch=batch, line=request.line, custom_id=request.custom_id, body=body)


def _open_model(batch: Batch, name: str) -> HostedModel:
    model = find_model(name, key=batch.key)
    require_scope(batch.key, ENDPOINTS[batch.endpoint].scope, model)
    require_rights(batch, model)
    return model


def _refuse_model(line: int) -> LineError:
    return LineError(
        "mismatched_model",
        f"Line {line} names another model than those before it. A batch asks one model.",
        line=line,
        param="body.model",
    )
