"""Links for plain tools: the files and lists behind them, and the forms that make and end them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.http import require_POST

from portal.library.weights.domain.links import (
    address_with,
    end_links,
    make_links,
    require_links,
    write_aria2,
    write_urls,
)
from portal.library.weights.domain.lookup import find_file
from portal.library.weights.domain.offer import write_checksums
from portal.library.weights.hub.answer import answer_file
from portal.library.weights.hub.refusals import answer_refusal
from portal.library.weights.models import Revision
from portal.library.weights.views.hub import hub_view
from portal.library.weights.views.pages import find_shown
from portal.platform.accounts.http import AuthenticatedHttpRequest
from portal.platform.core.errors import DomainError
from portal.platform.core.personal import personal
from portal.platform.core.refusals import RefusalCode

TEXT: Final = "text/plain; charset=utf-8"
LISTS: Final[Mapping[str, Callable[[Revision, str], str]]] = {
    "aria2.txt": write_aria2,
    "urls.txt": write_urls,
    "SHA256SUMS": lambda revision, _: write_checksums(revision),
}


@hub_view("GET", "HEAD")
def fetch(request: HttpRequest, token: str, path: str) -> HttpResponseBase:
    """A file by its link."""

    def find() -> HttpResponseBase:
        now = timezone.now()
        links = require_links(token, at=now)
        file = find_file(links.revision, path)
        bearer = None if file.is_open else links
        return answer_file(request, links.revision, file, bearer=bearer, at=now)

    return _answer(find)


@hub_view("GET", "HEAD")
def write_list(request: HttpRequest, token: str, name: str) -> HttpResponseBase:  # noqa: ARG001 -- a view's signature
    """All links, as one of the tools reads them, or the checksums."""
    return _answer(lambda: HttpResponse(_write(token, name), content_type=TEXT))


@require_POST
@personal
def make(request: AuthenticatedHttpRequest, slug: str, revision: str) -> HttpResponse:
    """Make links to the revision's files, and show the commands that use them."""
    shown = find_shown(slug, revision)
    try:
        make_links(request.user, shown, at=timezone.now())
    except DomainError as error:
        messages.error(request, error.message)
    return redirect(reverse("weights:revision", args=[slug, shown.name]) + "#plain-tools")


@require_POST
@personal
def end(request: AuthenticatedHttpRequest, slug: str, revision: str, links: UUID) -> HttpResponse:
    """End the links for good."""
    if end_links(links, by=request.user):
        messages.success(request, "The links no longer work.")
    return redirect(reverse("weights:revision", args=[slug, revision]) + "#plain-tools")


def _answer(find: Callable[[], HttpResponseBase]) -> HttpResponseBase:
    """What the link gives, kept by no cache and no search engine.

    A refusal is a line, which the tools show when they cannot read it as a link.
    """
    try:
        response = find()
    except DomainError as error:
        refusal = answer_refusal(error)
        refusal.content = f"{refusal['X-Error-Message']}\n".encode()
        refusal["Content-Type"] = TEXT
        response = refusal
    response["Cache-Control"] = "no-store, no-transform"
    response["X-Robots-Tag"] = "noindex"
    return response


def _write(token: str, name: str) -> str:
    links = require_links(token, at=timezone.now())
    if name not in LISTS:
        raise DomainError(
            RefusalCode.FILE_NOT_FOUND, f"There are {', '.join(LISTS)}, and files/<path>."
        )
    return LISTS[name](links.revision, address_with(token))
