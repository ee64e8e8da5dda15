"""What only people who have signed a licence may read."""

from __future__ import annotations

from datetime import datetime

from django.contrib.auth.models import AnonymousUser
from django.urls import reverse

from portal.gate.licensing.domain.signing import standing
from portal.gate.licensing.enums import Standing
from portal.gate.licensing.models import Licence
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

Reader = User | AnonymousUser | None


def require_signature(licence: Licence, reader: Reader, *, what: str, at: datetime) -> None:
    """Raise `DomainError` unless the reader's signature of the licence is valid.

    `what` begins the sentence of the refusal: “This logbook”. `next_url` leads to the sign-in or
    the signature.
    """
    if not isinstance(reader, User) or not reader.is_active:
        raise DomainError(
            RefusalCode.NOT_SIGNED_IN,
            f"{what} is for people who have signed {licence.name}. Sign in first.",
            next_url=reverse("account_login"),
        )
    match standing(reader, licence, at=at):
        case Standing.UNSIGNED:
            raise DomainError(
                RefusalCode.LICENCE_UNSIGNED,
                f"{what} is for people who have signed {licence.name}. Read and sign it.",
                next_url=reverse("licensing:sign", args=[licence.slug]),
            )
        case Standing.OUTDATED:
            raise DomainError(
                RefusalCode.LICENCE_OUTDATED,
                f"{licence.name} has changed since you signed it. Read and sign the new version.",
                next_url=reverse("licensing:sign", args=[licence.slug]),
            )


def list_signed(reader: Reader, *, at: datetime) -> list[Licence]:
    """The licences for which `require_signature` lets the reader pass."""
    if not isinstance(reader, User) or not reader.is_active:
        return []
    signed = Licence.objects.filter(versions__signatures__user=reader).distinct()
    return [licence for licence in signed if standing(reader, licence, at=at) == Standing.SIGNED]
