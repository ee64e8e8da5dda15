"""Secrets and signatures, by the Standard Webhooks specification 1.0.0."""

from __future__ import annotations

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta
from typing import Final

from django.conf import settings

from portal.gate.webhooks.models import Endpoint

PREFIX: Final = "whsec_"
OVERLAP: Final = timedelta(hours=24)
"""How long the old secret signs beside the new one after a rotation."""


def make_seed() -> str:
    """32 hexadecimal digits at random; the secret is derived from it and SECRET_KEY."""
    return secrets.token_hex(16)


def derive_secret(seed: str) -> str:
    """The secret of a seed: `whsec_` and 32 bytes in base64. A seed is useless without
    SECRET_KEY, so a copy of the database cannot sign anything.
    """
    key = hashlib.sha256(b"portal.gate.webhooks\0" + settings.SECRET_KEY.encode()).digest()
    return PREFIX + base64.b64encode(hmac.digest(key, seed.encode(), "sha256")).decode()


def sign(endpoint: Endpoint, *, message_id: str, body: bytes, at: datetime) -> dict[str, str]:
    """The three headers that say who sent `body`, when, and that it is unchanged.

    For a day after a rotation there are two signatures, of the new secret and of the old.
    """
    timestamp = str(int(at.timestamp()))
    content = f"{message_id}.{timestamp}.".encode() + body
    seeds = [endpoint.secret_seed]
    if endpoint.old_secret_until is not None and at < endpoint.old_secret_until:
        seeds.append(endpoint.old_secret_seed)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": timestamp,
        "webhook-signature": " ".join(f"v1,{_digest(seed, content)}" for seed in seeds),
    }


def _digest(seed: str, content: bytes) -> str:
    key = base64.b64decode(derive_secret(seed).removeprefix(PREFIX))
    return base64.b64encode(hmac.digest(key, content, "sha256")).decode()
