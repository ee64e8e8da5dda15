"""A person's keys as their owner sees them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.text import shown_part
from portal.gate.keys.models import ApiKey
from portal.platform.accounts.models import User


class KeyState(StrEnum):
    """Whether a key works; a retiring one works until its overlap with its successor ends."""

    LIVE = "live"
    RETIRING = "retiring"
    EXPIRED = "expired"
    REVOKED = "revoked"


@dataclass(frozen=True)
class KeyRow:
    """One key in words. No `models` means every model that the person may use."""

    key: ApiKey
    state: KeyState
    shown: str
    scopes: tuple[str, ...]
    models: tuple[str, ...]

    @property
    def works(self) -> bool:
        return self.state in {KeyState.LIVE, KeyState.RETIRING}

    @property
    def can_be_rotated(self) -> bool:
        return self.state == KeyState.LIVE


def list_keys(user: User, *, at: datetime) -> list[KeyRow]:
    """Every key of a person, working ones first, then newest first; two queries."""
    keys = ApiKey.objects.filter(user=user).prefetch_related("allowed_models")
    rows = [describe_key(key, at=at) for key in keys.order_by("-created_at", "-pk")]
    return sorted(rows, key=lambda row: not row.works)


def describe_key(key: ApiKey, *, at: datetime) -> KeyRow:
    """The key in words, at a moment."""
    return KeyRow(
        key=key,
        state=state_of(key, at=at),
        shown=shown_part(key.lookup),
        scopes=tuple(str(KeyScope(scope).label) for scope in key.scopes),
        models=tuple(model.name for model in key.allowed_models.all()),
    )


def state_of(key: ApiKey, *, at: datetime) -> KeyState:
    """The state of a key at a moment."""
    if key.revoked_at is not None:
        return KeyState.REVOKED
    if key.expires_at is not None and key.expires_at <= at:
        return KeyState.EXPIRED
    return KeyState.LIVE if key.successor_id is None else KeyState.RETIRING
