"""People who have not signed a changed licence again, as CSV."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Final

from portal.gate.access.domain.reconsent.outdated import Outdated, describe_outdated
from portal.gate.licensing.models import Signature
from portal.platform.core.spreadsheets import write_rows

COLUMNS: Final = (
    "licence",
    "signed_version",
    "version_to_sign",
    "name",
    "email",
    "signed_at",
    "holds_until",
    "days_left",
    "live_grants",
    "last_told_at",
)


def export_outdated(signatures: Iterable[Signature], *, at: datetime) -> str:
    """The list as CSV, times in ISO 8601."""
    rows = describe_outdated(signatures, at=at)
    return write_rows([COLUMNS, *map(_columns, rows)])


def _columns(row: Outdated) -> tuple[object, ...]:
    signature = row.signature
    return (
        signature.version.licence.slug,
        signature.version.number,
        row.version.number,
        signature.user.name,
        signature.user.email,
        signature.signed_at.isoformat(),
        row.ends_at.isoformat(),
        row.days_left,
        "; ".join(grant.model.slug for grant in row.grants),
        row.told_at.isoformat() if row.told_at else "",
    )
