"""A person's runs with their texts and notes, as lines of JSON or as a spreadsheet."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from typing import Any, Final

from django.db.models import QuerySet

from portal.lab.jobs.domain.pages import read_in_pages
from portal.lab.jobs.domain.receipts import write_receipt
from portal.lab.jobs.models import GenerationJob
from portal.lab.notebook.models import Node
from portal.lab.notebook.wire import NotesRow
from portal.platform.core.spreadsheets import write_rows

PAGE: Final = 50
COLUMNS: Final = (
    "id",
    "created_at",
    "model",
    "state",
    "finish_reason",
    "prompt_tokens",
    "completion_tokens",
    "sampling",
    "prompt",
    "text",
    *NotesRow.model_fields,
)


async def stream_jsonl(runs: QuerySet[GenerationJob]) -> AsyncIterator[str]:
    """A receipt in each line, with the run's notes; the oldest first."""
    async for page in _read(runs):
        rows = ({**write_receipt(job), "notes": _write_notes(job)} for job in page)
        yield "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


async def stream_csv(runs: QuerySet[GenerationJob]) -> AsyncIterator[str]:
    """A run in each row, the oldest first; sampling parameters as JSON."""
    yield write_rows([COLUMNS])
    async for page in _read(runs):
        yield write_rows(_write_row(job) for job in page)


def _read(runs: QuerySet[GenerationJob]) -> AsyncIterator[list[GenerationJob]]:
    whole = runs.select_related("model", "call", "node__project")
    return read_in_pages(whole, size=PAGE, place=lambda job: (job.created_at, job.pk))


def _write_row(job: GenerationJob) -> Iterable[object]:
    return (
        job.pk,
        job.created_at.isoformat(),
        job.model.slug,
        job.state,
        job.finish_reason,
        job.prompt_tokens,
        job.completion_tokens,
        json.dumps(job.params, sort_keys=True),
        job.prompt,
        job.text,
        *_write_notes(job).values(),
    )


def _write_notes(job: GenerationJob) -> dict[str, Any]:
    """The notes, in the order of the fields; the defaults of a run without any."""
    node: Node | None = getattr(job, "node", None)
    if node is None:
        return NotesRow().model_dump(mode="json")
    return NotesRow(
        name=node.name,
        is_starred=node.is_starred,
        project=node.project.name if node.project else None,
        parent=str(node.parent_id) if node.parent_id else None,
    ).model_dump(mode="json")


FORMATS: Final[
    Mapping[str, tuple[Callable[[QuerySet[GenerationJob]], AsyncIterator[str]], str]]
] = {
    "jsonl": (stream_jsonl, "application/jsonl; charset=utf-8"),
    "csv": (stream_csv, "text/csv; charset=utf-8"),
}
"""By the file's extension: how it is written, and its content type."""
