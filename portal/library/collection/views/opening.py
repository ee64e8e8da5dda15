"""Opening a revision for a reader."""

from __future__ import annotations

from http import HTTPStatus

from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render

from portal.library.weights.domain.lookup import find_file, find_revision
from portal.library.weights.enums import HubType
from portal.library.weights.models import File, Revision
from portal.library.weights.rules import MAIN
from portal.platform.core.errors import DomainError
from portal.platform.core.http import refuse_as_json


def open_revision(release: str, slug: str, revision: str = MAIN) -> Revision:
    """The revision; raises `Http404`. Whether it may be read is another question."""
    try:
        return find_revision(f"{release}/{slug}", revision, of=HubType.DATASETS)
    except DomainError as error:
        raise Http404 from error


def open_file(revision: Revision, path: str) -> File:
    """The file; raises `Http404`."""
    try:
        return find_file(revision, path)
    except DomainError as error:
        raise Http404 from error


def refuse_page(request: HttpRequest, revision: Revision, error: DomainError) -> HttpResponse:
    """A page that leads on."""
    context = {"repository": revision.repository, "error": error}
    return render(request, "library/collection/closed.html", context, status=HTTPStatus.FORBIDDEN)


def refuse_file(error: DomainError) -> HttpResponse:
    """The same for a data file."""
    return refuse_as_json(error.code, error.message, label="Continue", url=error.next_url or "")
