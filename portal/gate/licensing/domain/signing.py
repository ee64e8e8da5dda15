"""Signing, and the state of a person's signature."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from django.db import transaction
from django.db.models import DateTimeField, ExpressionWrapper, F, QuerySet, Subquery, Value
from django.db.models.functions import Greatest
from django.urls import reverse
from django.utils import timezone

from portal.gate.licensing.domain.versions import current_version
from portal.gate.licensing.enums import Capacity, Standing
from portal.gate.licensing.models import Licence, LicenceVersion, Signature
from portal.platform.accounts.domain.identity import is_email_verified
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.compiled import CompiledQuery
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

MIN_NAME_LENGTH = 3
GRACE_END: Final = ExpressionWrapper(
    Greatest("effective_at", "published_at") + F("grace_days") * Value(timedelta(days=1)),
    output_field=DateTimeField(),
)
"""`LicenceVersion.grace_ends_at`, for the database."""


def sign_licence(
    user: User,
    *,
    version: LicenceVersion,
    legal_name: str,
    capacity: Capacity,
    entity_name: str = "",
    has_authority: bool = False,
    ip: str | None = None,
) -> Signature:
    """Sign the version in force and keep its exact text.

    Raises `DomainError`: `email_unverified`, `legal_name_missing`, `entity_missing`,
    `authority_missing`, `licence_version_superseded` (an older version),
    `licence_version_not_effective` (a future one), `already_signed`.
    """
    if not is_email_verified(user):
        raise DomainError(
            RefusalCode.EMAIL_UNVERIFIED,
            "Confirm your e-mail address before you sign.",
            next_url=reverse("account_email"),
        )
    _require_full_words(legal_name, capacity, entity_name, has_authority=has_authority)
    with transaction.atomic():
        # The lock that publishing takes: no newer version appears between check and signature.
        licence = Licence.objects.select_for_update().get(pk=version.licence_id)
        require_in_force(version, licence)
        if previous := Signature.objects.filter(user=user, version=version).first():
            raise _already_signed(previous)
        signature = Signature.objects.create(
            user=user,
            version=version,
            text=version.text,
            sha256=version.sha256,
            legal_name=legal_name.strip(),
            email=user.email,
            capacity=capacity,
            entity_name=entity_name.strip() if capacity == Capacity.ENTITY else "",
            signed_at=timezone.now(),
            ip=ip,
        )
        record(
            AuditTag.LICENCE_SIGNED,
            actor=user,
            subject=f"signature:{signature.pk}",
            data={
                "licence": licence.slug,
                "number": version.number,
                "sha256": version.sha256,
                "capacity": str(capacity),
            },
        )
    return signature


def require_in_force(version: LicenceVersion, licence: Licence) -> None:
    """Raise `DomainError` unless the version is the one to sign now; see `sign_licence`."""
    now = timezone.now()
    current = current_version(licence, at=now)
    if current is None or version.effective_at > now:
        raise DomainError(
            RefusalCode.LICENCE_VERSION_NOT_EFFECTIVE,
            "This version is not in force yet. Come back later.",
        )
    if version.pk != current.pk:
        raise DomainError(
            RefusalCode.LICENCE_VERSION_SUPERSEDED,
            f"Version {version.number} has been replaced by version {current.number}. "
            "Read and sign the new version.",
            next_url=reverse("licensing:sign", args=[licence.slug]),
        )


def standing(user: User, licence: Licence, *, at: datetime) -> Standing:
    """The state of a person's signature: signed, never signed, or signed too long ago.

    An old signature is valid until the grace period of a later material version has ended.
    """
    ((newest, floor),) = _NUMBERS.rows(user=user.pk, licence=licence.pk, at=at)
    if newest is None:
        return Standing.UNSIGNED
    return Standing.OUTDATED if floor is not None and newest < floor else Standing.SIGNED


def required_versions(*, at: datetime) -> QuerySet[LicenceVersion]:
    """Material versions in force whose grace period has ended: nothing older is accepted.

    The end itself is outside the grace period, which `LicenceVersion.grace_ends_at` defines.
    A first version may be among them; it has no effect, because there is no older signature
    that it could outdate.
    """
    return LicenceVersion.objects.alias(grace_end=GRACE_END).filter(
        is_material=True, effective_at__lte=at, grace_end__lte=at
    )


def _numbers(user: int, licence: int, at: datetime) -> QuerySet[Licence, Any]:
    """The numbers of the newest version that the person signed, and of the newest required."""
    signed = Signature.objects.filter(user_id=user, version__licence_id=licence)
    required = required_versions(at=at).filter(licence_id=licence)
    return Licence.objects.filter(pk=licence).values_list(
        Subquery(signed.order_by("-version__number").values("version__number")[:1]),
        Subquery(required.order_by("-number").values("number")[:1]),
    )


_NUMBERS = CompiledQuery(_numbers, user=int, licence=int, at=datetime)


def _require_full_words(
    legal_name: str, capacity: Capacity, entity_name: str, *, has_authority: bool
) -> None:
    if len(legal_name.strip()) < MIN_NAME_LENGTH:
        raise DomainError(
            RefusalCode.LEGAL_NAME_MISSING, "Type your full legal name.", field="legal_name"
        )
    if capacity != Capacity.ENTITY:
        return
    if not entity_name.strip():
        raise DomainError(
            RefusalCode.ENTITY_MISSING,
            "Name the organisation that you sign for.",
            field="entity_name",
        )
    if not has_authority:
        raise DomainError(
            RefusalCode.AUTHORITY_MISSING,
            "Confirm that you are authorised to bind the organisation, or sign for yourself.",
            field="has_authority",
        )


def _already_signed(signature: Signature) -> DomainError:
    return DomainError(
        RefusalCode.ALREADY_SIGNED,
        f"You signed this version on {signature.signed_at:%-d %B %Y}. Nothing more is needed.",
        next_url=reverse("licensing:signature", args=[signature.pk]),
    )
