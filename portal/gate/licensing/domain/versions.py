"""Publishing licence texts, and finding the one in force."""

from __future__ import annotations

import hashlib
from datetime import datetime

from django.db import transaction
from django.db.models import Max
from django.utils import timezone

from portal.gate.licensing.models import Licence, LicenceVersion
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError
from portal.platform.core.fingerprints import require_unchanged
from portal.platform.core.refusals import RefusalCode


def text_sha256(text: str) -> str:
    """The SHA-256 of a licence text's UTF-8 bytes, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


@transaction.atomic
def publish_version(
    licence: Licence,
    *,
    text: str,
    effective_at: datetime,
    is_material: bool,
    grace_days: int = 30,
    changes: str = "",
    actor: User | None = None,
) -> LicenceVersion:
    """Publish `text` as the next version; it can never be changed afterwards.

    `text` is kept byte for byte, line ends included. Raises what `require_publishable` does.
    """
    Licence.objects.select_for_update().get(pk=licence.pk)
    require_publishable(licence, text=text)
    latest = licence.versions.order_by("-number").first()
    version = LicenceVersion.objects.create(
        licence=licence,
        number=latest.number + 1 if latest else 1,
        text=text,
        sha256=text_sha256(text),
        effective_at=effective_at,
        is_material=is_material,
        grace_days=grace_days,
        changes=changes,
        published_at=timezone.now(),
    )
    record(
        AuditTag.LICENCE_VERSION_PUBLISHED,
        actor=actor,
        subject=f"licence-version:{version.pk}",
        data={"licence": licence.slug, "number": version.number, "sha256": version.sha256},
    )
    return version


def require_publishable(licence: Licence, *, text: str) -> None:
    """Raise `DomainError` for a text that cannot be the licence's next version.

    Codes: `licence_text_empty`, `licence_text_not_storable` (PostgreSQL keeps no NUL),
    `licence_text_unchanged` (this exact text was published before).
    """
    if not text.strip():
        raise DomainError(RefusalCode.LICENCE_TEXT_EMPTY, "A licence needs a text.", field="text")
    if "\x00" in text:
        raise DomainError(
            RefusalCode.LICENCE_TEXT_NOT_STORABLE, "The text contains a NUL byte.", field="text"
        )
    if licence.versions.filter(sha256=text_sha256(text)).exists():
        raise DomainError(
            RefusalCode.LICENCE_TEXT_UNCHANGED,
            "This exact text has been published before.",
            field="text",
        )


def newest_numbers() -> dict[str, int]:
    """The newest version of every licence by its slug, as a form carries it."""
    numbers = LicenceVersion.objects.values_list("licence__slug").annotate(Max("number"))
    return dict(numbers.order_by("licence__slug"))


def require_newest_seen(licence: Licence, seen: str | None) -> None:
    """Lock the licence, and raise `SavedMeanwhile` if a version was published since."""
    Licence.objects.select_for_update().get(pk=licence.pk)
    newest = licence.versions.order_by("-number").first()
    number = newest.number if newest else 0
    now_is = f"version {number} is the newest of this licence"
    require_unchanged(seen, newest_numbers(), now_is=now_is)


def current_version(licence: Licence, *, at: datetime) -> LicenceVersion | None:
    """The version in force at a moment: the highest number already effective."""
    return licence.versions.filter(effective_at__lte=at).order_by("-number").first()
