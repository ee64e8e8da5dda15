"""Events of one run, and of several over one connection."""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.http import Http404, HttpResponseBase, StreamingHttpResponse
from django.views.decorators.http import require_safe

from portal.lab.jobs.domain.history import find_stream, list_streams
from portal.lab.jobs.stream.answer import answer_stream, answer_together
from portal.lab.jobs.stream.feed import parse_last_event_id
from portal.lab.playground.sign_in import sign_in_required
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.http import refuse_as_json

MAX_RUNS: Final = 32


@require_safe
@sign_in_required
def single(request: AuthenticatedHttpRequest, job_id: UUID) -> StreamingHttpResponse:
    """The run's events as Server-Sent Events, from `Last-Event-ID` or the beginning."""
    job = find_stream(request.user, job_id)
    if job is None:
        raise Http404
    after = parse_last_event_id(request.headers.get("Last-Event-ID", ""))
    return answer_stream(job, after=after)


@require_safe
@sign_in_required
def together(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """The events of all `?runs=<run>:<last id>,<run>`; each event's id begins with the run's."""
    try:
        wanted = read_runs(request.GET.get("runs", ""))
    except DomainError as error:
        return refuse_as_json(error.code, error.message)
    jobs = {job: wanted[job.pk] for job in list_streams(request.user, wanted)}
    return answer_together(jobs, missing=wanted.keys() - {job.pk for job in jobs})


def read_runs(value: str) -> dict[UUID, str]:
    """The last entry id that the reader has of each run; raises `DomainError`."""
    parts = [part.partition(":") for part in value.split(",")]
    try:
        runs = {UUID(job_id): parse_last_event_id(last) for job_id, _, last in parts}
    except ValueError:
        message = "Runs is a list of run ids with commas between them."
        raise invalid_value(message, field="runs") from None
    if len(runs) > MAX_RUNS:
        message = f"At most {MAX_RUNS} runs can be followed together."
        raise invalid_value(message, field="runs")
    return runs
