"""The pages of the logbook: all runs, one run, one entry."""

from __future__ import annotations

from http import HTTPStatus
from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from portal.library.logbook.domain.citation import cite_entry, cite_range
from portal.library.logbook.domain.clock import read_clock
from portal.library.logbook.domain.curves import GROUPS, read_curves
from portal.library.logbook.domain.entries import add_excerpts, count_kinds, list_entries
from portal.library.logbook.domain.line import read_line
from portal.library.logbook.domain.lineage import draw_lineage
from portal.library.logbook.forms import LogbookForm
from portal.library.logbook.models import Run
from portal.library.logbook.points import BLOCK
from portal.library.logbook.summaries import describe_span, list_rows, write_query
from portal.library.logbook.views.opening import open_to_readers
from portal.platform.core.parquet import has_parquet

PAGE_SIZE: Final = 30


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All runs, by release."""
    runs = Run.objects.select_related("release", "model", "parent").order_by(
        "release__position", "release__slug", "started_at", "pk"
    )
    return render(request, "library/logbook/index.html", {"runs": runs})


@require_safe
@open_to_readers
def show_run(request: HttpRequest, run: Run) -> HttpResponse:
    """Curves beside entries, for the part that the address selects."""
    line = read_line(run)
    clock = read_clock(line)
    form = LogbookForm(request.GET, clock=clock, kinds=count_kinds(line))
    wanted = form.to_filter()
    entries = list_entries(line, wanted, clock)
    if wanted.words:
        entries = add_excerpts(entries, wanted)
    page = Paginator(entries, PAGE_SIZE).get_page(request.GET.get("page"))
    words = describe_span(wanted.span, wanted.axis)
    selection = write_query(request.GET, wanted.axis, wanted.span)
    context = {
        "run": run,
        "line": line,
        "lineage": draw_lineage(line),
        "form": form,
        "axis": wanted.axis,
        "page": page,
        "rows": list(list_rows(page.object_list, wanted, clock, request.GET)),
        "curves": read_curves(line, axis=wanted.axis, span=wanted.span),
        "groups": GROUPS,
        "block": BLOCK,
        "span_words": words,
        "selection": selection,
        "unzoomed": write_query(request.GET, wanted.axis, None),
        "has_parquet": has_parquet(),
        "citation": cite_range(run, path=f"{request.path}?{selection}", words=words),
    }
    status = HTTPStatus.OK if form.is_valid() else HTTPStatus.UNPROCESSABLE_ENTITY
    return render(request, "library/logbook/run.html", context, status=status)


@require_safe
@open_to_readers
def show_entry(request: HttpRequest, run: Run, slug: str) -> HttpResponse:
    """One entry, at its permalink."""
    entry = get_object_or_404(run.entries.select_related("run__release").defer("search"), slug=slug)
    context = {"run": run, "entry": entry, "citation": cite_entry(entry)}
    return render(request, "library/logbook/entry.html", context)
