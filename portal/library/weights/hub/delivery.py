"""The one function that answers with a file's bytes, as WEIGHTS_DELIVERY says."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import quote

import structlog
from django.conf import settings
from django.http import HttpResponse, HttpResponseBase, StreamingHttpResponse

from portal.library.weights.domain.fetching import Part, end_download, note_progress
from portal.library.weights.enums import Delivery
from portal.library.weights.models import Download, File, Revision
from portal.platform.core.database import read_database
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

PIECE: Final = 2**20
FLAGS: Final = os.O_RDONLY | os.O_CLOEXEC
THREADS: Final = 4
"""Of each process, which read from the disk."""
NOTE_SECONDS: Final = 10.0
"""How often a stream records its progress, and asks whether it may continue."""
INTERNAL: Final = "/weights-internal/"
"""The location in nginx that stands for WEIGHTS_DIR."""

log = structlog.get_logger(__name__)
_THREADS: Final = ThreadPoolExecutor(THREADS, thread_name_prefix="weights")
_ending: set[asyncio.Task[None]] = set()


@dataclass(frozen=True)
class Wanted:
    """What a request gets: a file, or the range of it that it asked for."""

    revision: Revision
    file: File
    part: Part | None

    @property
    def place(self) -> Path:
        return Path(settings.WEIGHTS_DIR) / self.revision.folder / self.file.path


def describe_headers(revision: Revision, file: File) -> dict[str, str]:
    """The headers that clients read before they fetch a file."""
    headers = {
        "X-Repo-Commit": revision.commit,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
        "Content-Type": "application/octet-stream",
        "Cache-Control": "private, no-transform",
    }
    if file.is_lfs:
        headers |= {"X-Linked-ETag": f'"{file.sha256}"', "X-Linked-Size": str(file.size)}
    return headers


def deliver(wanted: Wanted, *, begin: Callable[[], Download | None]) -> HttpResponseBase:
    """The response with the bytes, or with the header that makes nginx send them.

    `begin` makes the record of the download; None for an open file, which has none. Raises
    `DomainError` with code `file_unreadable`, and what `begin` raises.
    """
    headers = describe_headers(wanted.revision, wanted.file)
    if Delivery(settings.WEIGHTS_DELIVERY) == Delivery.X_ACCEL:
        # nginx reads the request's range itself.
        begin()
        path = quote(f"{wanted.revision.folder}/{wanted.file.path}")
        return HttpResponse(headers={**headers, "X-Accel-Redirect": INTERNAL + path})
    part = wanted.part or Part(0, wanted.file.size)
    _require_readable(wanted)
    headers["Content-Length"] = str(part.length)
    if wanted.part is not None:
        last = part.first + part.length - 1
        headers["Content-Range"] = f"bytes {part.first}-{last}/{wanted.file.size}"
    return StreamingHttpResponse(
        stream_part(wanted.place, part, begin()),
        status=HTTPStatus.PARTIAL_CONTENT if wanted.part else HTTPStatus.OK,
        headers=headers,
    )


async def stream_part(file: Path, part: Part, download: Download | None) -> AsyncIterator[bytes]:
    """The part's bytes.

    Between two pieces nothing is held but the open file. What was sent is recorded however the
    stream ends. It ends early when the person's access does; the client then asks again, and is
    refused with the reason.
    """
    loop, sent, descriptor = asyncio.get_running_loop(), 0, -1
    noted_at = loop.time()
    try:
        descriptor = await loop.run_in_executor(_THREADS, os.open, file, FLAGS)
        while sent < part.length:
            size = min(PIECE, part.length - sent)
            piece = await loop.run_in_executor(
                _THREADS, os.pread, descriptor, size, part.first + sent
            )
            if not piece:
                log.error("weights_file_shrank", download=download and download.pk)
                raise asyncio.CancelledError
            yield piece
            sent += len(piece)
            if download is not None and loop.time() >= noted_at + NOTE_SECONDS:
                noted_at = loop.time()
                if not await _note(download, sent):
                    # Django then ends the response where it is, as if the client had left.
                    raise asyncio.CancelledError
    finally:
        if descriptor >= 0:
            os.close(descriptor)
        if download is not None:
            await _finish(download, sent)


async def _note(download: Download, sent: int) -> bool:
    return await read_database(lambda: note_progress(download, sent=sent))


async def _finish(download: Download, sent: int) -> None:
    """Record the end, even if the client has left and this task is cancelled."""
    task = asyncio.create_task(read_database(lambda: end_download(download, sent=sent)))
    _ending.add(task)
    task.add_done_callback(_ending.discard)
    await asyncio.shield(task)


def _require_readable(wanted: Wanted) -> None:
    try:
        is_as_published = wanted.place.stat().st_size == wanted.file.size
    except OSError:
        is_as_published = False
    if not is_as_published or not os.access(wanted.place, os.R_OK):
        log.error("weights_file_unreadable", file=wanted.file.pk, commit=wanted.revision.commit)
        raise DomainError(
            RefusalCode.FILE_UNREADABLE,
            f"{wanted.file.path} cannot be read on the server, or has changed since it was "
            f"published. Tell {wanted.revision.repository.of_release.contact_email}.",
        )
