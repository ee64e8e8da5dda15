"""A row's line in the output file or the error file, in OpenAI's format."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any, Final

from portal.lab.batches.domain.endpoints import ENDPOINTS
from portal.lab.batches.models import BatchRow
from portal.lab.completions.domain.failures import require_done
from portal.lab.completions.refusals import describe_error
from portal.lab.jobs.domain.calls import Submitted
from portal.lab.jobs.domain.completion import Completion
from portal.lab.jobs.domain.lifecycle import rebuild_end
from portal.lab.jobs.domain.results import completion_of_row
from portal.lab.jobs.models import GenerationJob
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

BROKEN: Final = DomainError(
    RefusalCode.SERVER_ERROR, "Something broke on our side. It has been logged."
)
"""For a row that raises an unexpected error."""


def answer_row(row: BatchRow, *, endpoint: str) -> str:
    """The line of a row whose runs have all ended; raises `DomainError` if one did not succeed."""
    if row.call is None:
        raise TypeError("the row was never submitted")
    jobs = tuple(row.call.jobs.select_related("model__release").order_by("call_index"))
    if any(job.erased_at is not None for job in jobs):
        raise DomainError(RefusalCode.CANCELLED, "The run was deleted.")
    completions = [_completion(job) for job in jobs]
    require_done(completions)
    submitted = Submitted(row.call, jobs)
    body = ENDPOINTS[endpoint].answer(
        json.loads(row.body), submitted=submitted, completions=completions
    )
    return write_line(row, status=HTTPStatus.OK, body=body)


def refuse_row(row: BatchRow, error: DomainError) -> str:
    """The line of a row that was refused or whose run failed: the API's error response."""
    return write_line(row, status=error.code.shape.status, body=describe_error(error))


def drop_row(row: BatchRow, *, code: str, message: str) -> str:
    """The line of a row that never ran."""
    return _dump(row, response=None, error={"code": code, "message": message})


def write_line(row: BatchRow, *, status: int, body: dict[str, Any]) -> str:
    response = {
        "status_code": int(status),
        "request_id": str(row.call_id or row.pk),
        "body": body,
    }
    return _dump(row, response=response, error=None)


def _dump(row: BatchRow, **rest: Any) -> str:
    line = {"id": f"batch_req_{row.pk}", "custom_id": row.custom_id, **rest}
    return json.dumps(line, allow_nan=False)


def _completion(job: GenerationJob) -> Completion:
    completion = completion_of_row(job)
    completion.end = rebuild_end(job)
    return completion
