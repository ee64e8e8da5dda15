"""Files and batches as OpenAI's clients read them, one page at a time."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from django.db.models import Count, Model, Q, QuerySet

from portal.lab.batches.domain.creation import find_batch
from portal.lab.batches.domain.files import describe_file, find_file
from portal.lab.batches.domain.ids import BATCH, FILE, write_id
from portal.lab.batches.enums import BatchStatus, RowState
from portal.lab.batches.models import Batch, BatchRow, StoredFile
from portal.platform.accounts.models import User

Row = TypeVar("Row", bound=Model)
TIMES = tuple(f"{status}_at" for status in BatchStatus.values if status != BatchStatus.VALIDATING)


def list_files(
    user: User, *, after: str | None, limit: int, purpose: str | None, is_ascending: bool
) -> dict[str, Any]:
    """The person's files that were not erased, newest first unless `is_ascending`."""
    rows = StoredFile.objects.filter(user=user, erased_at__isnull=True)
    if purpose:
        rows = rows.filter(purpose=purpose)
    if after:
        last = find_file(user, after, field="after")
        rows = _beyond(rows, last.created_at, last.pk, is_ascending=is_ascending)
    order = ("created_at", "id") if is_ascending else ("-created_at", "-id")
    return _page(rows.order_by(*order), limit=limit, describe=lambda page: map(describe_file, page))


def list_batches(user: User, *, after: str | None, limit: int) -> dict[str, Any]:
    """The person's batches, newest first."""
    rows = Batch.objects.filter(user=user)
    if after:
        last = find_batch(user, after)
        rows = _beyond(rows, last.created_at, last.pk, is_ascending=False)
    return _page(rows, limit=limit, describe=_describe_all)


def describe_batch(batch: Batch) -> dict[str, Any]:
    """The batch with its present counts."""
    return next(iter(_describe_all([batch])))


def _describe_all(batches: list[Batch]) -> Iterable[dict[str, Any]]:
    counts = {
        row["batch"]: row
        for row in BatchRow.objects.filter(batch__in=batches)
        .order_by()
        .values("batch")
        .annotate(
            total=Count("pk"),
            completed=Count("pk", filter=Q(state=RowState.SUCCEEDED)),
            failed=Count("pk", filter=Q(state=RowState.FAILED)),
        )
    }
    return [_describe(batch, counts.get(batch.pk, {})) for batch in batches]


def _describe(batch: Batch, counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": write_id(BATCH, batch.pk),
        "object": "batch",
        "endpoint": batch.endpoint,
        "model": batch.model_name or None,
        "errors": {"object": "list", "data": batch.errors} if batch.errors else None,
        "input_file_id": write_id(FILE, batch.input_file_id),
        "completion_window": batch.completion_window,
        "status": batch.status,
        "output_file_id": _file_id(batch.output_file_id),
        "error_file_id": _file_id(batch.error_file_id),
        "created_at": int(batch.created_at.timestamp()),
        "expires_at": int(batch.expires_at.timestamp()),
        **{name: _seconds(getattr(batch, name)) for name in TIMES},
        "request_counts": {name: counts.get(name, 0) for name in ("total", "completed", "failed")},
        "metadata": batch.metadata,
        "gatehouse": {
            "paused_code": batch.paused_code or None,
            "paused_until": _seconds(batch.paused_until),
        },
    }


def _file_id(pk: UUID | None) -> str | None:
    return write_id(FILE, pk) if pk else None


def _seconds(at: datetime | None) -> int | None:
    return int(at.timestamp()) if at else None


def _beyond(
    rows: QuerySet[Row], created_at: datetime, pk: UUID, *, is_ascending: bool
) -> QuerySet[Row]:
    way = "gt" if is_ascending else "lt"
    later = Q((f"created_at__{way}", created_at))
    return rows.filter(later | Q(("created_at", created_at), (f"pk__{way}", pk)))


def _page(
    rows: QuerySet[Row],
    *,
    limit: int,
    describe: Callable[[list[Row]], Iterable[dict[str, Any]]],
) -> dict[str, Any]:
    found = list(rows[: limit + 1])
    data = list(describe(found[:limit]))
    return {
        "object": "list",
        "data": data,
        "first_id": data[0]["id"] if data else None,
        "last_id": data[-1]["id"] if data else None,
        "has_more": len(found) > limit,
    }
