"""The owner of a key, and what it may be used for: checked at every call of the API."""

from __future__ import annotations

from datetime import datetime, timedelta
from hmac import compare_digest
from typing import Final

from django.conf import settings
from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import OuterRef, Q
from django.urls import reverse

from portal.gate.access.enums import KeyScope
from portal.gate.catalog.models import HostedModel
from portal.gate.keys.domain.text import parse_text, shown_part
from portal.gate.keys.models import ApiKey
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LAST_USED_EXACTNESS: Final = timedelta(minutes=1)
"""`last_used_at` is written at most once in this time, so that most calls write nothing."""


class KeyRefused(DomainError):  # noqa: N818 -- it names what happened
    """The key does not work, or not for this; `next_url` is the page of a person's keys.

    The message names that page in full, since it is read in a terminal.
    """

    def __init__(self, code: RefusalCode, reason: str) -> None:
        path = reverse("keys:list")
        super().__init__(code, f"{reason} See {settings.SITE_URL}{path}", next_url=path)


def authenticate_key(text: str, *, at: datetime) -> ApiKey:
    """The key that `text` spells, if it works at a moment, with its `user` and model ids.

    One query, and once a minute for each key a second one that records its use. Raises
    `KeyRefused` with code `invalid_api_key` (misspelt or unknown), `key_revoked` (also
    if the person's account is closed) or `key_expired`.
    """
    parsed = parse_text(text)
    if parsed is None:
        raise KeyRefused(
            RefusalCode.INVALID_API_KEY,
            "This is not an API key: it is misspelt or incomplete. Copy it again, or make a new "
            "one.",
        )
    key = _CANDIDATES.filter(lookup=parsed.lookup).first()
    if key is None or not compare_digest(key.digest, parsed.digest):
        raise KeyRefused(
            RefusalCode.INVALID_API_KEY, "This API key is not known here. Make a new one."
        )
    key.model_ids = key.limited_to
    _require_alive(key, at=at)
    _note_use(key, at=at)
    return key


def require_scope(key: ApiKey, scope: KeyScope, model: HostedModel | None = None) -> None:
    """Raise `KeyRefused` with code `key_scope` or `key_model` unless the key covers this.

    Without a `model`, only the scope is checked. `access.decide` checks the person's own
    access.
    """
    if scope not in key.scopes:
        raise KeyRefused(
            RefusalCode.KEY_SCOPE,
            f"The API key {key.name} lacks the scope {scope.value}, which this needs. "
            "Make one that has it.",
        )
    if model is None:
        return
    allowed = allowed_model_ids(key)
    if allowed and model.pk not in allowed:
        raise KeyRefused(
            RefusalCode.KEY_MODEL,
            f"The API key {key.name} does not cover the model {model.slug}. Make one that does.",
        )


def allowed_model_ids(key: ApiKey) -> list[int]:
    """The models that the key is limited to; empty for every model of the person.

    No query for a key from `authenticate_key`.
    """
    if key.model_ids is None:
        key.model_ids = list(key.allowed_models.values_list("pk", flat=True))
    return key.model_ids


_CANDIDATES: Final = (
    ApiKey.objects.select_related("user")
    .annotate(
        limited_to=ArraySubquery(
            ApiKey.allowed_models.through.objects.filter(apikey_id=OuterRef("pk")).values(
                "hostedmodel_id"
            )
        )
    )
    .order_by()
)


def _require_alive(key: ApiKey, *, at: datetime) -> None:
    shown = shown_part(key.lookup)
    if not key.user.is_active:
        raise KeyRefused(RefusalCode.KEY_REVOKED, f"The account of the API key {shown} is closed.")
    if key.revoked_at is not None:
        raise KeyRefused(
            RefusalCode.KEY_REVOKED, f"The API key {shown} was revoked. Make a new one."
        )
    if key.expires_at is not None and key.expires_at <= at:
        raise KeyRefused(
            RefusalCode.KEY_EXPIRED,
            f"The API key {shown} expired on {key.expires_at:%d %B %Y at %H:%M} UTC. Make a new "
            "one.",
        )


def _note_use(key: ApiKey, *, at: datetime) -> None:
    before = at - LAST_USED_EXACTNESS
    if key.last_used_at is not None and key.last_used_at > before:
        return
    stale = Q(last_used_at__isnull=True) | Q(last_used_at__lte=before)
    ApiKey.objects.filter(stale, pk=key.pk).update(last_used_at=at)
    key.last_used_at = at
