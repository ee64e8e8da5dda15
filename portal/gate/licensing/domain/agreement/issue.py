"""Issuing the PDF of a signature, and recording that it was issued."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

from django.conf import settings
from django.db import transaction
from django.urls import reverse
from django.utils import timezone

from portal.gate.licensing.domain.agreement.document import draw_agreement
from portal.gate.licensing.models import IssuedAgreement, Signature
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag


@dataclass(frozen=True)
class Agreement:
    """A PDF as it was issued, and its file name."""

    content: bytes
    sha256: str
    filename: str


def may_read_agreement(reader: User, signature: Signature) -> bool:
    """Whether the reader is the signer, a reviewer or an auditor."""
    return signature.user_id == reader.pk or reader.is_reviewer or reader.is_auditor


def make_agreement(signature: Signature) -> Agreement:
    """Draw the PDF of a signature, and keep its SHA-256 for the public page."""
    content = draw_agreement(signature, verification_url=verification_url(signature))
    sha256 = hashlib.sha256(content).hexdigest()
    IssuedAgreement.objects.get_or_create(
        sha256=sha256, defaults={"signature": signature, "issued_at": timezone.now()}
    )
    return Agreement(content, sha256, _filename(signature))


@transaction.atomic
def issue_agreement(signature: Signature, *, to: User) -> Agreement:
    """Make the PDF for somebody who may read it; the audit log records that they got it."""
    agreement = make_agreement(signature)
    record(
        AuditTag.AGREEMENT_ISSUED,
        actor=to,
        subject=f"signature:{signature.pk}",
        data={"sha256": agreement.sha256},
    )
    return agreement


def verification_url(signature: Signature) -> str:
    """The public address at which a signature can be verified by its code."""
    return settings.SITE_URL + reverse("verification:signature", args=[signature.code])


def _filename(signature: Signature) -> str:
    version = signature.version
    return f"{version.licence.slug}-v{version.number}-signature-{signature.pk}.pdf"
