"""Files: stored in the database in chunks, read in pieces, erased by their owner or by age."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import IO, Any, Final

from django.conf import settings
from django.db import transaction
from django.utils import timezone

from portal.lab.batches.domain.allowance import require_room
from portal.lab.batches.domain.ids import FILE, missing, parse_id, write_id
from portal.lab.batches.domain.lines import LineRefusedError, number_lines, parse_line
from portal.lab.batches.enums import ACTIVE_STATUSES, FilePurpose
from portal.lab.batches.models import Batch, FileChunk, StoredFile
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.each import do_each
from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.json_text import require_few_parts
from portal.platform.core.refusals import RefusalCode

CHUNK: Final = 1 << 20
FILENAME_LENGTH: Final = 255


def store_upload(user: User, *, upload: IO[bytes], size: int, name: str) -> StoredFile:
    """Store an input file that `check_upload` has passed.

    Raises `DomainError` with code `files_full` if the person has no room left.
    """
    upload.seek(0)
    pieces = iter(lambda: upload.read(CHUNK), b"")
    with transaction.atomic():
        require_room(user, size=size)
        return write_file(user, pieces, name=name, purpose=FilePurpose.BATCH)


def check_upload(upload: IO[bytes], *, size: int) -> None:
    """Refuse a file that is not JSON objects, one per line; uses no database.

    Raises `DomainError` with code `request_too_large` over BATCH_FILE_MB, and `invalid_value` for
    the first line that is not an object or is larger than a request may be, for an empty file, and
    for more than BATCH_ROWS lines.
    """
    limit = settings.BATCH_FILE_MB * 1_000_000
    if size > limit:
        raise DomainError(
            RefusalCode.REQUEST_TOO_LARGE,
            f"The file has {size:,} bytes; the limit is {limit:,}. Split it into several.",
            field="file",
        )
    _check_lines(upload)


def write_file(
    user: User, pieces: Iterable[bytes], *, name: str, purpose: FilePurpose
) -> StoredFile:
    """Store the pieces as one file, inside the caller's transaction."""
    file = StoredFile.objects.create(
        user=user, purpose=purpose, filename=_clean(name), size=0, created_at=timezone.now()
    )
    for number, content in enumerate(_regroup(pieces)):
        FileChunk.objects.create(file=file, number=number, content=content)
        file.size += len(content)
    file.save(update_fields=["size"])
    return file


def find_file(user: User, file_id: str, *, field: str | None = None) -> StoredFile:
    """The person's file; raises `DomainError` with code `not_found`."""
    key = parse_id(file_id, prefix=FILE, field=field)
    file = StoredFile.objects.filter(user=user, pk=key, erased_at__isnull=True).first()
    if file is None:
        raise missing(file_id, prefix=FILE, field=field)
    return file


def read_chunk(file: StoredFile, number: int) -> bytes | None:
    """One piece of the content; None after the last."""
    content = (
        FileChunk.objects.filter(file=file, number=number).values_list("content", flat=True).first()
    )
    return None if content is None else bytes(content)


def read_lines(file: StoredFile) -> Iterator[bytes]:
    """The content's lines, with one piece in memory at a time."""
    rest, number = b"", 0
    while (piece := read_chunk(file, number)) is not None:
        *lines, rest = (rest + piece).split(b"\n")
        yield from lines
        number += 1
    yield rest


def erase_file(file: StoredFile, *, actor: User | None) -> bool:
    """Erase the content for good; False if it was erased before.

    Raises `DomainError` while a batch uses the file.
    """
    with transaction.atomic():
        StoredFile.objects.select_for_update().get(pk=file.pk)
        if Batch.objects.filter(input_file=file, status__in=ACTIVE_STATUSES).exists():
            raise DomainError(
                RefusalCode.FILE_IN_USE,
                "A batch still uses this file. Cancel the batch first.",
            )
        erased = StoredFile.objects.filter(pk=file.pk, erased_at__isnull=True).update(
            erased_at=timezone.now(), filename=""
        )
        FileChunk.objects.filter(file=file).delete()
        if erased:
            record(AuditTag.FILE_ERASED, actor=actor, subject=f"file:{file.pk}")
    return bool(erased)


def erase_old_files() -> int:
    """Erase files older than PROMPT_RETENTION_DAYS; return their number."""
    before = timezone.now() - timedelta(days=settings.PROMPT_RETENTION_DAYS)
    old = StoredFile.objects.filter(erased_at__isnull=True, created_at__lt=before).exclude(
        batches__status__in=ACTIVE_STATUSES
    )
    return sum(do_each(old, lambda file: erase_file(file, actor=None), doing="erase_old_file"))


def describe_file(file: StoredFile) -> dict[str, Any]:
    """The file as OpenAI's clients read it."""
    ends = file.created_at + timedelta(days=settings.PROMPT_RETENTION_DAYS)
    return {
        "id": write_id(FILE, file.pk),
        "object": "file",
        "bytes": file.size,
        "created_at": int(file.created_at.timestamp()),
        "expires_at": int(ends.timestamp()),
        "filename": file.filename,
        "purpose": file.purpose,
        "status": "processed",
    }


def _check_lines(upload: IO[bytes]) -> None:
    count = 0
    for number, text in number_lines(upload):
        count += 1
        _require_readable(number, text)
        try:
            parse_line(number, text)
        except LineRefusedError as refused:
            raise invalid_value(refused.error.message, field="file") from None
        if count > settings.BATCH_ROWS:
            raise invalid_value(
                f"The file has more than {settings.BATCH_ROWS:,} requests. Split it into several.",
                field="file",
            )
    if not count:
        raise invalid_value("The file is empty.", field="file")


def _require_readable(number: int, text: bytes) -> None:
    """A line is one request, and no larger than a request outside a batch."""
    most = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
    if len(text) > most:
        raise invalid_value(
            f"Line {number} has {len(text):,} bytes; the limit for a request is {most:,}.",
            field="file",
        )
    require_few_parts(text, name=f"Line {number}", field="file")


def _regroup(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in chunks of one size, except the last."""
    held = bytearray()
    for piece in pieces:
        held += piece
        while len(held) >= CHUNK:
            yield bytes(held[:CHUNK])
            del held[:CHUNK]
    if held:
        yield bytes(held)


def _clean(name: str) -> str:
    kept: Callable[[str], bool] = str.isprintable
    return "".join(filter(kept, name))[-FILENAME_LENGTH:] or "file.jsonl"
