"""Whose key it is, and what it is for."""

from __future__ import annotations

from datetime import datetime
from hashlib import sha256

from portal.catalog.models import HostedModel
from portal.core.errors import DomainError
from portal.keys.enums import KeyScope
from portal.keys.models import ApiKey


def authenticate_key(text: str, *, at: datetime) -> ApiKey:
    """The key that is written so; raises `DomainError` where it is none or not good any more."""
    digest = sha256(text.encode()).hexdigest()
    key = ApiKey.objects.select_related("user").filter(digest=digest).first()
    if key is None or not key.user.is_active:
        raise DomainError("invalid_api_key", "This is not a key of this site.")
    if key.revoked_at:
        raise DomainError("key_revoked", "This key was revoked.")
    if key.expires_at and key.expires_at <= at:
        raise DomainError("key_expired", "This key has expired.")
    return key


def require_scope(key: ApiKey, scope: KeyScope, model: HostedModel | None = None) -> None:
    """Raise `DomainError` with code `key_scope` or `key_model` unless the key is for this."""
    if scope not in key.scopes:
        raise DomainError("key_scope", f"This key is not for {scope.label}.")
    if model and key.allowed_models.exists() and model not in key.allowed_models.all():
        raise DomainError("key_model", f"This key is not for {model.name}.")
