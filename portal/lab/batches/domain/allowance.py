"""How much one person may store: their uploads and the results of their batches together."""

from __future__ import annotations

from typing import Final

from django.conf import settings
from django.db import connection
from django.db.models import Count, Sum

from portal.lab.batches.models import StoredFile
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

WAY_OUT: Final = "Delete some (DELETE /v1/files/{id}), then upload this one again."
_UPLOAD_LOCK: Final = 7_235_005


def require_room(user: User, *, size: int) -> None:
    """Raise `DomainError` with code `files_full` if there is no room for a file of `size` bytes.

    A person's other uploads wait here until the caller's transaction ends, so that two uploads
    cannot use the same room. Results of batches are always stored, and take room like uploads.
    """
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s, %s)", [_UPLOAD_LOCK, user.pk])
    kept = StoredFile.objects.filter(user=user, erased_at__isnull=True).aggregate(
        count=Count("pk"), size=Sum("size", default=0)
    )
    if kept["count"] >= settings.FILES_PER_USER:
        raise _full(f"You have {kept['count']:,} files; the limit is {settings.FILES_PER_USER:,}.")
    limit = settings.FILE_MB_PER_USER * 1_000_000
    if kept["size"] + size > limit:
        raise _full(
            f"Your files have {kept['size']:,} bytes and this one has {size:,}; "
            f"the limit for all is {limit:,}."
        )


def _full(message: str) -> DomainError:
    return DomainError(RefusalCode.FILES_FULL, f"{message} {WAY_OUT}", field="file")
