"""A person's runs as CSV, with times and token counts but without prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import datetime
from typing import Final
from uuid import UUID

from django.db.models import Q

from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
from portal.platform.core.database import in_database
from portal.platform.core.spreadsheets import write_rows

COLUMNS: Final = (
    "id",
    "created_at",
    "model",
    "door",
    "key",
    "prompt_tokens",
    "completion_tokens",
    "state",
)
PAGE: Final = 1000

Row = tuple[UUID, datetime, str, str, str | None, int | None, int | None, str]


async def stream_usage(user: User) -> AsyncIterator[str]:
    """All runs of the person, oldest first, a thousand lines at a time; times in ISO 8601.

    Holds neither rows nor a connection between two pieces.
    """
    yield write_rows([COLUMNS])
    last: tuple[datetime, UUID] | None = None
    while rows := await in_database(lambda after=last: _read_page(user, after)):  # type: ignore[misc]
        yield write_rows((pk, at.isoformat(), *rest) for pk, at, *rest in rows)
        last = (rows[-1][1], rows[-1][0])


def _read_page(user: User, after: tuple[datetime, UUID] | None) -> list[Row]:
    runs = GenerationJob.objects.filter(user=user)
    if after is not None:
        at, pk = after
        runs = runs.filter(Q(created_at__gt=at) | Q(created_at=at, pk__gt=pk))
    return list(
        runs.order_by("created_at", "pk").values_list(
            "pk",
            "created_at",
            "model__slug",
            "origin",
            "call__key__name",
            "prompt_tokens",
            "completion_tokens",
            "state",
        )[:PAGE]
    )
