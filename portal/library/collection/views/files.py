"""Files of a repository, and what describes it for programs."""

from __future__ import annotations

from asgiref.sync import sync_to_async
from django.http import HttpRequest, HttpResponse, HttpResponseBase, JsonResponse
from django.utils import timezone
from django.utils.http import content_disposition_header
from django.views.decorators.http import require_safe

from portal.library.collection.domain.citation import write_bibtex, write_cff
from portal.library.collection.domain.croissant import describe_croissant
from portal.library.collection.views.opening import open_file, open_revision, refuse_file
from portal.library.weights.domain.permission import require_reader
from portal.library.weights.hub.answer import answer_file
from portal.platform.core.errors import DomainError

WRITERS = {
    "bib": (write_bibtex, "application/x-bibtex; charset=utf-8"),
    "cff": (write_cff, "application/yaml; charset=utf-8"),
}


@require_safe
async def send_file(
    request: HttpRequest, release: str, slug: str, revision: str, path: str
) -> HttpResponseBase:
    """The bytes of a file, always as a download."""
    found = await sync_to_async(open_revision)(release, slug, revision)
    reader, now = await request.auser(), timezone.now()
    try:
        await sync_to_async(require_reader)(found.repository, reader, at=now)
        file = await sync_to_async(open_file)(found, path)
        response = answer_file(request, found, file, bearer=None, at=now)
    except DomainError as error:
        return refuse_file(error)
    response["Content-Disposition"] = _attach(file.path.rpartition("/")[2])
    return response


@require_safe
def cite(request: HttpRequest, release: str, slug: str, revision: str, ending: str) -> HttpResponse:
    """The citation as a file."""
    found = open_revision(release, slug, revision)
    try:
        require_reader(found.repository, request.user, at=timezone.now())
    except DomainError as error:
        return refuse_file(error)
    write, content_type = WRITERS[ending]
    name = "CITATION.cff" if ending == "cff" else f"{slug}-{found.name}.bib"
    return HttpResponse(
        write(found), content_type=content_type, headers={"Content-Disposition": _attach(name)}
    )


@require_safe
def show_croissant(request: HttpRequest, release: str, slug: str, revision: str) -> HttpResponse:
    """The metadata as JSON-LD."""
    found = open_revision(release, slug, revision)
    try:
        require_reader(found.repository, request.user, at=timezone.now())
    except DomainError as error:
        return refuse_file(error)
    described = describe_croissant(found, found.files.select_related("text").defer("text__search"))
    return JsonResponse(
        described, content_type="application/ld+json", json_dumps_params={"ensure_ascii": False}
    )


def _attach(name: str) -> str:
    return content_disposition_header(as_attachment=True, filename=name) or "attachment"
