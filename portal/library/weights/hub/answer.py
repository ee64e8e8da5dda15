"""The answer to a request for a file whose caller may have it."""

from __future__ import annotations

from datetime import datetime

from django.http import HttpRequest, HttpResponse, HttpResponseBase

from portal.gate.keys.models import ApiKey
from portal.library.weights.domain.fetching import Part, begin_download
from portal.library.weights.hub.delivery import Wanted, deliver, describe_headers
from portal.library.weights.hub.ranges import read_range
from portal.library.weights.hub.refusals import answer_refusal
from portal.library.weights.models import Download, File, LinkList, Revision
from portal.platform.core.errors import DomainError


def answer_file(
    request: HttpRequest,
    revision: Revision,
    file: File,
    *,
    bearer: ApiKey | LinkList | None,
    at: datetime,
) -> HttpResponseBase:
    """The file or the requested range of it; with HEAD what clients must know before they fetch.

    Without a bearer, which only an open file needs none of, the download is not recorded. Raises
    `DomainError`.
    """
    headers = describe_headers(revision, file)
    if request.method == "HEAD":
        return HttpResponse(headers={**headers, "Content-Length": str(file.size)})
    try:
        part = _read_part(request, size=file.size, etag=headers["ETag"])
    except DomainError as error:
        refusal = answer_refusal(error)
        refusal["Content-Range"] = f"bytes */{file.size}"
        return refusal
    tool, wanted = request.headers.get("User-Agent", ""), part or Part(0, file.size)

    def begin() -> Download | None:
        if bearer is None:
            return None
        return begin_download(bearer, revision, file, wanted, tool=tool, at=at)

    return deliver(Wanted(revision, file, part), begin=begin)


def _read_part(request: HttpRequest, *, size: int, etag: str) -> Part | None:
    """The requested range, unless `If-Range` names another file."""
    if request.headers.get("If-Range", etag) != etag:
        return None
    return read_range(request.headers.get("Range", ""), size=size)
