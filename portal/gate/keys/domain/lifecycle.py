"""Making, rotating and revoking keys; the only writer of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.text import make_text
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User
from portal.platform.audit.domain.record import record
from portal.platform.audit.enums import AuditTag
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.refusals import RefusalCode

LIVE_KEYS_LIMIT: Final = 20
"""Working keys that one person may have, without those that a rotation is phasing out."""
NAME_LENGTH: Final = 100
LONGEST_OVERLAP: Final = timedelta(days=30)


@dataclass(frozen=True)
class IssuedKey:
    """A new key and its text, which exists here and nowhere else."""

    key: ApiKey
    text: str = field(repr=False)


@transaction.atomic
def issue_key(
    user: User,
    *,
    name: str,
    scopes: Iterable[KeyScope],
    models: Sequence[HostedModel] = (),
    expires_at: datetime | None = None,
    by_operator: bool = False,
) -> IssuedKey:
    """Make a key for `user`; no `models` means every model that the person may use.

    Raises `DomainError` with code `invalid_value` for an impossible name, scope or end,
    `reviewers_only` for the scope of decisions, `account_closed`, and `too_many_keys` at
    the limit of live keys. The audit log names the person, or nobody if an operator made it
    on the command line.
    """
    now = timezone.now()
    name = _require_name(name)
    wanted = _require_scopes(scopes, user=user)
    if expires_at is not None and expires_at <= now:
        raise DomainError(
            RefusalCode.INVALID_VALUE, "The expiry must be in the future.", field="expires_at"
        )
    _lock_owner(user)
    require_room(user, at=now)
    issued = _create(user, name=name, scopes=wanted, models=models, expires_at=expires_at, at=now)
    record(
        AuditTag.KEY_ISSUED,
        actor=None if by_operator else user,
        subject=_subject(issued.key),
        data={"user": user.pk, **_describe(issued.key, models)},
    )
    return issued


@transaction.atomic
def rotate_key(key: ApiKey, *, overlap: timedelta) -> IssuedKey:
    """Make a key that replaces `key`, which works for `overlap` longer and then expires.

    Name, scopes and models are carried over, and the new key gets the lifetime of the old
    one. If the old key ends before `overlap` is over, it keeps that end. Raises
    `DomainError` with code `invalid_value` for an overlap below zero or over 30 days, and
    `LostRace` if the key no longer works or was already rotated.
    """
    if not timedelta(0) <= overlap <= LONGEST_OVERLAP:
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"Both keys can work together for at most {LONGEST_OVERLAP.days} days.",
            field="overlap",
        )
    now = timezone.now()
    user = _lock_owner(key.user)
    old = live_keys(user, at=now).filter(pk=key.pk, successor=None).first()
    if old is None:
        raise LostRace("This key no longer works or has already been rotated.")
    models = list(old.allowed_models.all())
    lifetime = old.expires_at - old.created_at if old.expires_at else None
    issued = _create(
        user,
        name=old.name,
        scopes=[KeyScope(scope) for scope in old.scopes],
        models=models,
        expires_at=now + lifetime if lifetime else None,
        at=now,
    )
    ends_at = min(old.expires_at, now + overlap) if old.expires_at else now + overlap
    unchanged = ApiKey.objects.filter(pk=old.pk, successor=None, revoked_at=None)
    if unchanged.update(successor=issued.key, expires_at=ends_at) != 1:
        raise LostRace("This key no longer works or has already been rotated.")
    record(
        AuditTag.KEY_ROTATED,
        actor=user,
        subject=_subject(issued.key),
        data={
            "user": user.pk,
            "replaces": _subject(old),
            "old_expires_at": ends_at.isoformat(),
            **_describe(issued.key, models),
        },
    )
    return issued


@transaction.atomic
def revoke_key(key: ApiKey, *, by: User | None = None) -> None:
    """End a key now and for good. Raises `LostRace` if it was already revoked."""
    now = timezone.now()
    if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now) != 1:
        raise LostRace("This key was already revoked.")
    key.revoked_at = now
    record(
        AuditTag.KEY_REVOKED,
        actor=by or key.user,
        subject=_subject(key),
        data={"user": key.user_id},
    )


@transaction.atomic
def revoke_keys_of_closed_account(user: User) -> None:
    """End every key of a person whose account was closed; opening it again revives none."""
    now = timezone.now()
    for key in ApiKey.objects.filter(user=user, revoked_at=None).order_by("pk"):
        if ApiKey.objects.filter(pk=key.pk, revoked_at=None).update(revoked_at=now):
            record(
                AuditTag.KEY_REVOKED,
                actor=None,
                subject=_subject(key),
                data={"user": user.pk, "reason": "account_closed"},
            )


def live_keys(user: User, *, at: datetime) -> QuerySet[ApiKey]:
    """The keys of a person that work at a moment."""
    return ApiKey.objects.filter(
        Q(expires_at__isnull=True) | Q(expires_at__gt=at), user=user, revoked_at=None
    )


def _lock_owner(user: User) -> User:
    """Lock the person, so that their keys are made one by one; foreign keys are not blocked."""
    owner = User.objects.select_for_update(no_key=True).get(pk=user.pk)
    if not owner.is_active:
        raise DomainError(
            RefusalCode.ACCOUNT_CLOSED, "This account is closed, so it can have no keys."
        )
    return owner


def require_room(user: User, *, at: datetime) -> None:
    """Raise `DomainError` with code `too_many_keys` if the person can have no further key."""
    if live_keys(user, at=at).filter(successor=None).count() >= LIVE_KEYS_LIMIT:
        raise DomainError(
            RefusalCode.TOO_MANY_KEYS,
            f"A person may have {LIVE_KEYS_LIMIT} working keys. Revoke one that is not needed.",
        )


def _require_name(name: str) -> str:
    name = " ".join(name.split())
    if not name or len(name) > NAME_LENGTH or not name.isprintable():
        raise DomainError(
            RefusalCode.INVALID_VALUE,
            f"Give the key a name of 1 to {NAME_LENGTH} printable characters.",
            field="name",
        )
    return name


def _require_scopes(scopes: Iterable[KeyScope], *, user: User) -> list[KeyScope]:
    wanted = set(scopes)
    if KeyScope.DECISIONS in wanted and not user.is_reviewer:
        raise DomainError(
            RefusalCode.REVIEWERS_ONLY,
            "Only a reviewer can make a key for decisions.",
            field="scopes",
        )
    if not wanted:
        raise DomainError(
            RefusalCode.INVALID_VALUE, "Choose what the key may be used for.", field="scopes"
        )
    return [scope for scope in KeyScope if scope in wanted]


def _create(
    user: User,
    *,
    name: str,
    scopes: Sequence[KeyScope],
    models: Sequence[HostedModel],
    expires_at: datetime | None,
    at: datetime,
) -> IssuedKey:
    text = make_text()
    key = ApiKey.objects.create(
        user=user,
        name=name,
        lookup=text.lookup,
        digest=text.digest,
        scopes=list(scopes),
        created_at=at,
        expires_at=expires_at,
    )
    key.allowed_models.set(models)
    return IssuedKey(key=key, text=text.whole)


def _subject(key: ApiKey) -> str:
    return f"key:{key.lookup}"


def _describe(key: ApiKey, models: Sequence[HostedModel]) -> dict[str, object]:
    return {
        "scopes": list(key.scopes),
        "models": sorted(model.slug for model in models),
        "expires_at": key.expires_at.isoformat() if key.expires_at else None,
    }
