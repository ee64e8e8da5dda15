"""Opening a logbook for a reader."""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus

from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.utils import timezone

from portal.library.logbook.domain.reading import require_reader
from portal.library.logbook.models import Run
from portal.platform.core.errors import DomainError
from portal.platform.core.http import refuse_as_json


def find_run(slug: str) -> Run:
    """The run with all that its pages name; raises `Http404`."""
    return get_object_or_404(Run.objects.select_related("release__licence", "model"), slug=slug)


def open_to_readers(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Give the view the run, or refuse: with a page that leads on, or in JSON for a data file."""

    @wraps(view)
    def wrapped(request: HttpRequest, run: str, **kwargs: str) -> HttpResponse:
        found = find_run(run)
        try:
            require_reader(found, request.user, at=timezone.now())
        except DomainError as error:
            return refuse(request, found, error)
        return view(request, found, **kwargs)

    return wrapped


def refuse(request: HttpRequest, run: Run, error: DomainError) -> HttpResponse:
    if not request.path.endswith("/"):
        return refuse_as_json(error.code, error.message, label="Continue", url=error.next_url or "")
    context = {"run": run, "error": error}
    return render(request, "library/logbook/closed.html", context, status=HTTPStatus.FORBIDDEN)
