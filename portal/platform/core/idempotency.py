"""Repeated requests: how two are known to be the same, and what an idempotency key allows."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from portal.platform.core.errors import DomainError, invalid_value
from portal.platform.core.refusals import RefusalCode

IDEMPOTENCY_KEY: Final = "Idempotency-Key"
IDEMPOTENCY_KEY_LENGTH: Final = 255


def read_idempotency_key(header: str) -> str:
    """The key as the client sent it, or empty; raises `DomainError`."""
    if header.isprintable() and len(header) <= IDEMPOTENCY_KEY_LENGTH:
        return header
    raise invalid_value(
        f"An idempotency key has at most {IDEMPOTENCY_KEY_LENGTH} printable characters.",
        field=IDEMPOTENCY_KEY,
    )


def hash_request(*parts: object) -> str:
    """SHA-256 of plain data: equal for equal requests, however their JSON is formatted."""
    return sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def require_same_request(fingerprint: str, *, earlier: str) -> None:
    """Raise `DomainError` (`idempotency_key_reused`) if the key was used for another request."""
    if fingerprint != earlier:
        raise DomainError(
            RefusalCode.IDEMPOTENCY_KEY_REUSED,
            "This idempotency key was used for a different request. Use a new key for each "
            "request, and the same key only to repeat a request.",
            field=IDEMPOTENCY_KEY,
        )
