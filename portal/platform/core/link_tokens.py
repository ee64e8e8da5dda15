"""The secret in a link: sent to somebody without an account, or given to readers by a run's owner.

It is made from the site's key, the row and the count of its links, so that it need not be
stored to be shown or sent later: the row has its SHA-256, and a mail in the outbox has a
placeholder for it.
"""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Final

from django.utils.crypto import constant_time_compare, salted_hmac

SALT: Final = "portal.single-use-link"


def make_token(subject: str, serial: int) -> str:
    """The token of link number `serial` of a row such as `vouch:7`; 43 characters."""
    signature = salted_hmac(SALT, f"{subject}:{serial}", algorithm="sha256")
    return urlsafe_b64encode(signature.digest()).decode().rstrip("=")


def digest_token(token: str) -> str:
    """SHA-256 as 64 hexadecimal digits, which may be stored."""
    return sha256(token.encode()).hexdigest()


def is_right_token(token: str, digest: str) -> bool:
    """Whether a token has this digest, compared in constant time; False for an empty digest."""
    return constant_time_compare(digest_token(token), digest) and bool(digest)
