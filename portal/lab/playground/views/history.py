"""The person's own runs: listed, searched, and taken away as a file."""

from __future__ import annotations

from http import HTTPStatus

from django.conf import settings
from django.core.paginator import Paginator
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from portal.lab.notebook.domain.exports import FORMATS
from portal.lab.notebook.domain.history import RunFilter, list_runs, playground_runs
from portal.lab.playground.history_form import HistoryForm
from portal.lab.playground.sign_in import sign_in_required
from portal.lab.playground.summaries import list_rows
from portal.platform.accounts.http import AuthenticatedHttpRequest

PAGE_SIZE = 20


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@sign_in_required
def history(request: AuthenticatedHttpRequest) -> HttpResponse:
    """The person's runs, newest first. A search is posted, since addresses are logged."""
    form = HistoryForm(request.POST if request.method == "POST" else None, user=request.user)
    return _render(request, form)


@require_POST
@sign_in_required
def export(request: AuthenticatedHttpRequest) -> HttpResponseBase:
    """The runs that the form selects, with their texts, in one of FORMATS."""
    form = HistoryForm(request.POST, user=request.user)
    extension = request.POST.get("format", "")
    if not form.is_valid() or extension not in FORMATS:
        return _render(request, form)
    write, content_type = FORMATS[extension]
    runs = playground_runs(request.user, form.to_filter())
    return StreamingHttpResponse(
        write(runs),
        content_type=content_type,
        headers={"Content-Disposition": f'attachment; filename="runs.{extension}"'},
    )


def _render(request: AuthenticatedHttpRequest, form: HistoryForm) -> HttpResponse:
    is_wrong = form.is_bound and not form.is_valid()
    wanted = form.to_filter() if form.is_bound and not is_wrong else RunFilter()
    number = request.POST.get("page") or request.GET.get("page")
    page = Paginator(list_runs(request.user, wanted), PAGE_SIZE).get_page(number)
    return render(
        request,
        "lab/playground/history.html",
        {
            "form": form,
            "is_search": wanted != RunFilter(),
            "page": page,
            "runs": list_rows(page.object_list),
            "days": settings.PROMPT_RETENTION_DAYS,
        },
        status=HTTPStatus.UNPROCESSABLE_ENTITY if is_wrong else HTTPStatus.OK,
    )
