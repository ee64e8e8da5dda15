"""The pages of the library: all releases, one revision of a repository, one of its files."""

from __future__ import annotations

from typing import Final

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.utils import timezone
from django.views.decorators.http import require_safe

from portal.library.collection.domain.citation import write_bibtex
from portal.library.collection.domain.commands import list_commands
from portal.library.collection.domain.licences import describe_licence
from portal.library.collection.domain.reading import find_readme, find_text, sum_files
from portal.library.collection.domain.shelves import list_shelves
from portal.library.collection.forms import SearchForm
from portal.library.collection.views.opening import open_file, open_revision, refuse_page
from portal.library.weights.domain.lookup import list_revisions
from portal.library.weights.domain.permission import require_reader
from portal.library.weights.rules import LONGEST_TEXT
from portal.platform.core.errors import DomainError

PAGE_SIZE: Final = 100


@require_safe
def index(request: HttpRequest) -> HttpResponse:
    """All that each release gives to read and to fetch."""
    context = {"shelves": list_shelves(), "form": SearchForm()}
    return render(request, "library/collection/index.html", context)


@require_safe
def show_newest(request: HttpRequest, release: str, slug: str) -> HttpResponse:  # noqa: ARG001 -- a view's signature
    """To the newest revision, whose address stays true."""
    newest = open_revision(release, slug)
    return redirect("collection:revision", release, slug, newest.name)


@require_safe
def show_revision(request: HttpRequest, release: str, slug: str, revision: str) -> HttpResponse:
    """A revision: what it is, its files, how to fetch and to cite it."""
    shown = open_revision(release, slug, revision)
    try:
        require_reader(shown.repository, request.user, at=timezone.now())
    except DomainError as error:
        return refuse_page(request, shown, error)
    context = {
        "revision": shown,
        "repository": shown.repository,
        "licence": describe_licence(shown.repository),
        "sums": sum_files(shown),
        "readme": find_readme(shown),
        "page": Paginator(shown.files.all(), PAGE_SIZE).get_page(request.GET.get("page")),
        "revisions": list_revisions(shown.repository),
        "commands": list_commands(shown),
        "citation": write_bibtex(shown),
    }
    return render(request, "library/collection/revision.html", context)


@require_safe
def show_file(
    request: HttpRequest, release: str, slug: str, revision: str, path: str
) -> HttpResponse:
    """A file, read in place if it is text and not too long."""
    shown = open_revision(release, slug, revision)
    try:
        require_reader(shown.repository, request.user, at=timezone.now())
    except DomainError as error:
        return refuse_page(request, shown, error)
    file = open_file(shown, path)
    context = {
        "revision": shown,
        "repository": shown.repository,
        "file": file,
        "text": find_text(file),
        "is_markdown": path.lower().endswith(".md"),
        "longest": LONGEST_TEXT,
    }
    return render(request, "library/collection/file.html", context)
