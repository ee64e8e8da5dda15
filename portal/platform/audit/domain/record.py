"""Writing and checking the audit log's hash chain."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC

from django.contrib.auth.models import AbstractUser
from django.db import connection, transaction
from django.utils import timezone

from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent

GENESIS = "0" * 64
LOG_SUBJECT = "audit-log"
"""The subject of events about the log itself."""
_CHAIN_LOCK = 7_235_001
"""Key of the advisory lock that makes appends strictly sequential."""


@dataclass(frozen=True)
class Entry:
    """An event that is to be recorded."""

    tag: AuditTag
    actor: AbstractUser | None
    subject: str
    data: Mapping[str, object] = field(default_factory=dict)


def record(
    tag: AuditTag,
    *,
    actor: AbstractUser | None,
    subject: str,
    data: Mapping[str, object] | None = None,
) -> AuditEvent:
    """Append one event inside the caller's transaction; see `record_all`."""
    (event,) = record_all([Entry(tag, actor, subject, data or {})])
    return event


def record_all(entries: Sequence[Entry]) -> list[AuditEvent]:
    """Append events in order inside the caller's transaction.

    Call it last in the transaction: the chain is locked until the commit.
    Raises `TransactionManagementError` outside a transaction, so that a state change
    and its record cannot be separated.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("an audit event needs a transaction")
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [_CHAIN_LOCK])
        # A separate statement: it must see what was committed while the lock was awaited.
        cursor.execute("SELECT hash FROM audit_auditevent ORDER BY id DESC LIMIT 1")
        newest = cursor.fetchone()
    previous, events = newest[0] if newest else GENESIS, []
    for entry in entries:
        event = AuditEvent(
            at=timezone.now(),
            actor=entry.actor,  # type: ignore[misc]  # AUTH_USER_MODEL; audit may not import accounts
            tag=entry.tag.value,
            subject=entry.subject,
            data=dict(entry.data),
            previous_hash=previous,
        )
        previous = event.hash = chain_hash(event)
        events.append(event)
    return AuditEvent.objects.bulk_create(events)


def chain_hash(event: AuditEvent) -> str:
    """SHA-256 over the previous hash and the row as canonical JSON."""
    row = {
        "at": event.at.astimezone(UTC).isoformat(),
        "actor": event.actor_id,
        "tag": event.tag,
        "subject": event.subject,
        "data": event.data,
    }
    text = json.dumps(row, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(f"{event.previous_hash}\n{text}".encode()).hexdigest()


@dataclass(frozen=True)
class Break:
    """A row at which the chain is broken, and why."""

    event_id: int
    reason: str


def find_breaks() -> list[Break]:
    """Every row at which the chain is broken; empty if the log is intact."""
    breaks: list[Break] = []
    expected = GENESIS
    for event in AuditEvent.objects.order_by("id").iterator(chunk_size=2000):
        if event.previous_hash != expected:
            breaks.append(Break(event.id, "a row before this one is missing or was added"))
        if event.hash != chain_hash(event):
            breaks.append(Break(event.id, "the row was changed after it was written"))
        expected = event.hash
    return breaks
