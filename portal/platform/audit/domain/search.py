"""Finding events, and exporting them for an auditor."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db.models import QuerySet

from portal.platform.audit.models import AuditEvent
from portal.platform.core.spreadsheets import write_rows

CHUNK = 1000
COLUMNS = ("id", "at", "actor", "tag", "subject", "data", "previous_hash", "hash")


@dataclass(frozen=True, kw_only=True)
class EventFilter:
    """What to look for. An empty field does not filter; `until` itself is excluded."""

    actor_id: int | None = None
    subject: str = ""
    tag: str = ""
    since: datetime | None = None
    until: datetime | None = None


def find_events(wanted: EventFilter) -> QuerySet[AuditEvent]:
    """The matching events, oldest first. A subject that ends in `:` matches all of its kind."""
    subject = "subject__startswith" if wanted.subject.endswith(":") else "subject"
    conditions = {
        "actor_id": wanted.actor_id,
        subject: wanted.subject or None,
        "tag": wanted.tag or None,
        "at__gte": wanted.since,
        "at__lt": wanted.until,
    }
    asked = {name: value for name, value in conditions.items() if value is not None}
    return AuditEvent.objects.filter(**asked).order_by("id")


def export_events(events: QuerySet[AuditEvent], *, form: str) -> Iterator[str]:
    """The events as text in `form` (a key of `FORMS`), a thousand at a time.

    Events written meanwhile come at the end. The rows hold everything that the hashes cover, so
    the chain can be checked from the file alone, without the portal.
    """
    head, write = FORMS[form]
    if head:
        yield head
    last = 0
    while rows := list(events.filter(id__gt=last)[:CHUNK]):
        last = rows[-1].id
        yield "".join(write(_as_row(event)) for event in rows)


def _as_row(event: AuditEvent) -> dict[str, object]:
    return {
        "id": event.id,
        "at": event.at.isoformat(),
        "actor": event.actor_id,
        "tag": event.tag,
        "subject": event.subject,
        "data": event.data,
        "previous_hash": event.previous_hash,
        "hash": event.hash,
    }


def _as_json_line(row: Mapping[str, object]) -> str:
    return json.dumps(row, sort_keys=True, ensure_ascii=False) + "\n"


def _as_csv_line(row: Mapping[str, object]) -> str:
    data = json.dumps(row["data"], sort_keys=True, ensure_ascii=False)
    return write_rows([{**row, "data": data}.values()])


FORMS: Final[Mapping[str, tuple[str, Callable[[Mapping[str, object]], str]]]] = {
    "csv": (write_rows([COLUMNS]), _as_csv_line),
    "jsonl": ("", _as_json_line),
}
"""By file extension: the first line, and the function that writes an event."""
