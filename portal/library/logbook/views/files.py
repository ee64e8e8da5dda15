"""The logbook as data: JSON, CSV, and Parquet where the site can write it."""

from __future__ import annotations

from asyncio import to_thread
from collections.abc import AsyncIterator
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from asgiref.sync import sync_to_async
from django.http import (
    HttpRequest,
    HttpResponse,
    HttpResponseBase,
    JsonResponse,
    StreamingHttpResponse,
)
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.library.logbook.domain.clock import read_clock
from portal.library.logbook.domain.curves import read_curves
from portal.library.logbook.domain.entries import count_kinds, list_entries
from portal.library.logbook.domain.exports import (
    PARQUET_COLUMNS,
    describe_curve,
    describe_entry,
    fill_table,
    stream_metrics,
    write_entries,
)
from portal.library.logbook.domain.line import Line, read_line
from portal.library.logbook.domain.reading import require_reader
from portal.library.logbook.forms import LogbookForm
from portal.library.logbook.models import Run
from portal.library.logbook.views.opening import find_run, open_to_readers, refuse
from portal.platform.core.errors import DomainError
from portal.platform.core.http import refuse_as_json
from portal.platform.core.parquet import ParquetTable, require_parquet
from portal.platform.core.refusals import RefusalCode

CSV = "text/csv; charset=utf-8"
PARQUET = "application/vnd.apache.parquet"
PIECE = 2**20


@require_safe
@open_to_readers
def curves(request: HttpRequest, run: Run) -> HttpResponse:
    """The curves of the selected range, thinned; what the page's charts draw."""
    line = read_line(run)
    form = _read_form(request, line)
    if not form.is_valid():
        return _refuse_form(form)
    wanted = form.to_filter()
    found = read_curves(line, axis=wanted.axis, span=wanted.span)
    return JsonResponse({"axis": wanted.axis, "metrics": [describe_curve(one) for one in found]})


@require_safe
@open_to_readers
def entries(request: HttpRequest, run: Run, ending: str) -> HttpResponse:
    """All selected entries, in JSON or CSV."""
    line = read_line(run)
    form = _read_form(request, line)
    if not form.is_valid():
        return _refuse_form(form)
    found = list_entries(line, form.to_filter(), read_clock(line))
    if ending == "json":
        version = {"run": run.slug, "version": run.version}
        return JsonResponse({**version, "entries": [describe_entry(entry) for entry in found]})
    response = HttpResponse(write_entries(found), content_type=CSV)
    response["Content-Disposition"] = f'attachment; filename="{run.slug}-entries.csv"'
    return response


@require_safe
async def metrics(request: HttpRequest, run: str) -> HttpResponseBase:
    """Every value of the run's metrics, and of those of the runs that it continues, in CSV."""
    found = await sync_to_async(find_run)(run)
    try:
        await sync_to_async(require_reader)(found, await request.auser(), at=timezone.now())
    except DomainError as error:
        return refuse(request, found, error)
    line = await sync_to_async(read_line)(found)
    response = StreamingHttpResponse(stream_metrics(line), content_type=CSV)
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-metrics.csv"'
    return response


@require_safe
async def metrics_parquet(request: HttpRequest, run: str) -> HttpResponseBase:
    """The same values in Parquet, if the site can write it."""
    found, reader = await sync_to_async(find_run)(run), await request.auser()
    try:
        await sync_to_async(require_reader)(found, reader, at=timezone.now())
        require_parquet()
    except DomainError as error:
        return refuse(request, found, error)
    with ExitStack() as stack:
        folder = stack.enter_context(TemporaryDirectory(prefix="metrics-"))
        file = Path(folder) / "metrics.parquet"
        with ParquetTable(file, PARQUET_COLUMNS) as table:
            line = await sync_to_async(read_line)(found)
            await fill_table(line, table, person=reader.pk)
        response = ParquetResponse(file, stack.pop_all())
    response["Content-Length"] = str(file.stat().st_size)
    response["Content-Disposition"] = f'attachment; filename="{found.slug}-metrics.parquet"'
    return response


class ParquetResponse(StreamingHttpResponse):
    """Sends a file, whose folder goes when the response is closed, also if nobody has read it."""

    def __init__(self, file: Path, folder: ExitStack) -> None:
        super().__init__(_read(file), content_type=PARQUET)
        self._folder = folder

    def close(self) -> None:
        super().close()
        self._folder.close()


async def _read(file: Path) -> AsyncIterator[bytes]:
    with file.open("rb") as content:
        while piece := await to_thread(content.read, PIECE):
            yield piece


def _read_form(request: HttpRequest, line: Line) -> LogbookForm:
    return LogbookForm(request.GET, clock=read_clock(line), kinds=count_kinds(line))


def _refuse_form(form: LogbookForm) -> JsonResponse:
    """The first error of the form."""
    message = next(str(error) for errors in form.errors.values() for error in errors)
    return refuse_as_json(RefusalCode.INVALID_VALUE, message)
