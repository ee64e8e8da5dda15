"""The state of renewals, read from the audit log alone, to compare with the rows."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from portal.gate.renewals.enums import RenewalState
from portal.gate.renewals.models import Renewal
from portal.platform.audit.models import AuditEvent

SUBJECT = "renewal:"


@dataclass(frozen=True)
class RenewalRecord:
    """A renewal: its state, the number of its moves, and the approved end."""

    state: str
    revision: int
    ends_at: str | None


def rebuild(events: Iterable[AuditEvent]) -> dict[str, RenewalRecord]:
    """The rows, by subject, as all `events`, oldest first, make them."""
    built: dict[str, RenewalRecord] = {}
    for event in events:
        if not event.subject.startswith(SUBJECT):
            continue
        before = built.get(event.subject, RenewalRecord(RenewalState.DRAFT, 0, None))
        to = event.data["to"]
        is_approved = to == RenewalState.APPROVED
        ends_at = event.data["ends_at"] if is_approved else before.ends_at
        built[event.subject] = RenewalRecord(to, before.revision + 1, ends_at)
    return built


def find_differences() -> list[str]:
    """Subjects whose row differs from what the log says, in alphabetical order."""
    told = rebuild(AuditEvent.objects.filter(subject__startswith=SUBJECT).order_by("id").iterator())
    kept = {
        f"{SUBJECT}{row.pk}": RenewalRecord(
            row.state, row.revision, row.ends_at.isoformat() if row.ends_at else None
        )
        for row in Renewal.objects.filter(revision__gt=0)
    }
    return sorted({subject for subject, _ in told.items() ^ kept.items()})
