"""A person's runs as CSV, with times and token counts but without prompts."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Final

from portal.lab.jobs.domain.pages import read_in_pages
from portal.lab.jobs.models import GenerationJob
from portal.platform.accounts.models import User
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


async def stream_usage(user: User) -> AsyncIterator[str]:
    """All runs of the person, oldest first, a thousand lines at a time; times in ISO 8601.

    Holds neither rows nor a connection between two pieces.
    """
    yield write_rows([COLUMNS])
    runs = GenerationJob.objects.filter(user=user).values_list(
        "pk",
        "created_at",
        "model__slug",
        "origin",
        "call__key__name",
        "prompt_tokens",
        "completion_tokens",
        "state",
    )
    async for rows in read_in_pages(runs, size=PAGE, place=lambda row: (row[1], row[0])):
        yield write_rows((pk, at.isoformat(), *rest) for pk, at, *rest in rows)
