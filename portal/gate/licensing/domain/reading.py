"""What the page of a licence shows beside its text."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import AnonymousUser

from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.models import User


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One version on show, all versions newest first, and the reader's own signature."""

    licence: Licence
    version: LicenceVersion
    current: LicenceVersion | None
    versions: Sequence[LicenceVersion]
    signature: Signature | None

    @property
    def is_current(self) -> bool:
        return self.current is not None and self.current.pk == self.version.pk

    @property
    def is_future(self) -> bool:
        """Whether the version is not in force yet."""
        return self.version.number > (self.current.number if self.current else 0)

    @property
    def grace_ends_at(self) -> datetime | None:
        """When older signatures become outdated; None if this version outdates none."""
        if not self.version.is_material or self.version.number == 1:
            return None
        return self.version.grace_ends_at


def read_licence(
    licence: Licence, *, reader: User | AnonymousUser, at: datetime, number: int | None = None
) -> Reading | None:
    """Version `number`, or the one in force, or else the first to come; None if there is none."""
    versions = list(licence.versions.defer("text").order_by("-number"))
    in_force = [version for version in versions if version.effective_at <= at]
    current = in_force[0] if in_force else None
    if number is not None:
        shown = next((version for version in versions if version.number == number), None)
    else:
        shown = current or (versions[-1] if versions else None)
    if shown is None:
        return None
    return Reading(
        licence=licence,
        version=licence.versions.get(pk=shown.pk),
        current=current,
        versions=versions,
        signature=_find_signature(reader, shown),
    )


def _find_signature(reader: User | AnonymousUser, version: LicenceVersion) -> Signature | None:
    if not isinstance(reader, User):
        return None
    return Signature.objects.defer("text").filter(user=reader, version=version).first()
