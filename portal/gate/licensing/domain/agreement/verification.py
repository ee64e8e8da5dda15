"""What the public page says about a code or a fingerprint."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime

from portal.gate.licensing.codes import read_code
from portal.gate.licensing.domain.versions import current_version
from portal.gate.licensing.models import IssuedAgreement, LicenceVersion, Signature

SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Verified:
    """A signature as somebody who holds its code may see it, and the version in force now."""

    signature: Signature
    current: LicenceVersion | None

    @property
    def version(self) -> LicenceVersion:
        return self.signature.version

    @property
    def is_newest(self) -> bool:
        """Whether no newer version is in force."""
        return self.current is None or self.current.number <= self.version.number

    @property
    def initials(self) -> str:
        """The first letter of each word of the name: enough to notice another signer."""
        return " ".join(f"{word[0]}." for word in self.signature.legal_name.split())

    def is_signed_by(self, name: str) -> bool:
        """Whether a name read from the paper is the signer's or the organisation's.

        Spaces and case do not matter. False for an erased signer.
        """
        if self.signature.is_erased:
            return False
        known = {_fold(self.signature.legal_name), _fold(self.signature.entity_name)} - {""}
        return _fold(name) in known


@dataclass(frozen=True)
class Fingerprint:
    """What a SHA-256 belongs to: a PDF that was issued, or the text of a version."""

    issued: IssuedAgreement | None
    version: LicenceVersion | None


def verify_code(typed: str, *, at: datetime) -> Verified | None:
    """The signature with a code, however it was typed; None for an unknown one."""
    found = (
        Signature.objects.select_related("version__licence")
        .defer("text", "version__text", "ip")
        .filter(code=read_code(typed))
        .first()
    )
    if found is None:
        return None
    return Verified(found, current_version(found.version.licence, at=at))


def verify_fingerprint(sha256: str) -> Fingerprint:
    """What is known under a SHA-256, as `read_fingerprint` reads it."""
    return Fingerprint(
        IssuedAgreement.objects.select_related("signature").filter(sha256=sha256).first(),
        LicenceVersion.objects.select_related("licence")
        .defer("text")
        .filter(sha256=sha256)
        .first(),
    )


def read_fingerprint(typed: str) -> str | None:
    """64 lower-case hexadecimal digits, or None where what was typed is no SHA-256."""
    compact = "".join(typed.split()).lower()
    return compact if SHA256.fullmatch(compact) else None


def _fold(name: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())
