"""The state of applications, grants and signatures, read from the audit log alone.

The log and the tables must agree; `find_differences` says where they do not.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from portal.gate.access.enums import ApplicationState, GrantState
from portal.gate.access.models import Application, Grant
from portal.gate.licensing.models import Signature
from portal.platform.audit.enums import AuditTag
from portal.platform.audit.models import AuditEvent


@dataclass(frozen=True)
class CaseState:
    """An application: its state, and its number of moves."""

    state: str
    revision: int = 0


@dataclass(frozen=True)
class GrantRecord:
    """A grant: its case, its terms, its state, and its number of moves."""

    case_number: str
    model: str
    capabilities: tuple[str, ...]
    ends_at: str
    state: str = GrantState.ACTIVE
    revision: int = 0


@dataclass(frozen=True)
class SignatureRecord:
    """A signature: whose, of which text, and in which capacity."""

    user_id: int | None
    licence: str
    number: int
    sha256: str
    capacity: str


@dataclass
class Rebuilt:
    """Everything by its subject in the log, such as `grant:7`."""

    cases: dict[str, CaseState] = field(default_factory=dict)
    grants: dict[str, GrantRecord] = field(default_factory=dict)
    signatures: dict[str, SignatureRecord] = field(default_factory=dict)

    def by_subject(self) -> dict[str, CaseState | GrantRecord | SignatureRecord]:
        return {**self.cases, **self.grants, **self.signatures}


def rebuild(events: Iterable[AuditEvent]) -> Rebuilt:
    """Rebuild the rows from `events`, all of them, oldest first."""
    built = Rebuilt()
    for event in events:
        if event.tag == AuditTag.LICENCE_SIGNED:
            built.signatures[event.subject] = _signature_of(event)
        elif event.tag == AuditTag.GRANT_MADE:
            built.grants[event.subject] = _grant_of(event)
        elif "to" in event.data and event.subject.startswith("grant:"):
            grant = built.grants[event.subject]
            built.grants[event.subject] = replace(
                grant,
                ends_at=event.data.get("ends_at", grant.ends_at),
                state=event.data["to"],
                revision=grant.revision + 1,
            )
        elif "to" in event.data and event.subject.startswith("application:"):
            before = built.cases.get(event.subject, CaseState(ApplicationState.DRAFT))
            built.cases[event.subject] = CaseState(event.data["to"], before.revision + 1)
    return built


def read_rows() -> Rebuilt:
    """The same from the tables, without drafts that never moved: the log has none of them."""
    return Rebuilt(
        cases={
            f"application:{row.case_number}": CaseState(row.state, row.revision)
            for row in Application.objects.filter(revision__gt=0)
        },
        grants={
            f"grant:{row.pk}": GrantRecord(
                row.application.case_number,
                row.model.slug,
                tuple(sorted(row.capabilities)),
                row.ends_at.isoformat(),
                row.state,
                row.revision,
            )
            for row in Grant.objects.select_related("application", "model")
        },
        signatures={
            f"signature:{row.pk}": SignatureRecord(
                row.user_id,
                row.version.licence.slug,
                row.version.number,
                row.sha256,
                row.capacity,
            )
            for row in Signature.objects.select_related("version__licence")
        },
    )


def find_differences() -> list[str]:
    """Subjects whose row differs from the log, in alphabetical order."""
    told = rebuild(AuditEvent.objects.order_by("id").iterator()).by_subject()
    return sorted({subject for subject, _ in told.items() ^ read_rows().by_subject().items()})


def _signature_of(event: AuditEvent) -> SignatureRecord:
    data = event.data
    return SignatureRecord(
        event.actor_id, data["licence"], data["number"], data["sha256"], data["capacity"]
    )


def _grant_of(event: AuditEvent) -> GrantRecord:
    data = event.data
    return GrantRecord(
        data["application"], data["model"], tuple(data["capabilities"]), data["ends_at"]
    )
