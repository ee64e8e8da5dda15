"""Tries at a password, a code or a reset, counted so that nobody can use up another person's.

An account's tries are counted for each place separately, and for all places together from which
nobody has signed in to it. So guessing is slow both from one address and from thousands, and a
place from which the owner has signed in has only its own count.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from allauth.account.adapter import get_adapter
from allauth.account.utils import filter_users_by_email
from allauth.core import ratelimit
from django.http import HttpRequest
from django.utils import timezone
from django.utils.crypto import salted_hmac
from redis import RedisError

from portal.platform.accounts.domain.warning import warn_of_tries
from portal.platform.accounts.enums import TryKind
from portal.platform.core.http import network_of
from portal.platform.core.redis import sync_redis

KNOWN_DAYS: Final = 90


class Verdict(StrEnum):
    """Whether one more try is allowed, or where there were too many."""

    ALLOWED = "allowed"
    TOO_MANY_HERE = "too_many_here"
    TOO_MANY_ELSEWHERE = "too_many_elsewhere"


@dataclass(frozen=True)
class Place:
    """From where an account, which need not exist, is tried: an address, or an IPv6 network."""

    request: HttpRequest
    email: str

    @property
    def address(self) -> str:
        return str(get_adapter().get_client_ip(self.request))

    @property
    def key(self) -> str:
        return f"{self.email.lower()} {network_of(self.address)}"

    @property
    def is_known(self) -> bool:
        """Whether the account's owner has signed in from here in the last KNOWN_DAYS."""
        with suppress(RedisError):
            return bool(sync_redis().exists(self._known_key))
        return False

    def remember(self) -> None:
        """Count this place separately: the owner has signed in from here, or read their mail."""
        with suppress(RedisError):
            sync_redis().set(self._known_key, 1, ex=KNOWN_DAYS * 86_400)

    @property
    def _known_key(self) -> str:
        return f"known:{salted_hmac('portal.accounts.tries', self.key).hexdigest()}"


def count_try(kind: TryKind, place: Place) -> Verdict:
    """Count one more try; `forget_tries` resets the counts."""
    if not ratelimit.consume(place.request, action=f"{kind}_here", key=place.key):
        return Verdict.TOO_MANY_HERE
    if place.is_known:
        return Verdict.ALLOWED
    if not ratelimit.consume(place.request, action=f"{kind}_elsewhere", key=place.email.lower()):
        return Verdict.TOO_MANY_ELSEWHERE
    return Verdict.ALLOWED


def require_try(kind: TryKind, place: Place) -> None:
    """Count one more try, or warn the account's owner and raise a form's `ValidationError`."""
    verdict = count_try(kind, place)
    if verdict is Verdict.ALLOWED:
        return
    for owner in filter_users_by_email(place.email, is_active=True, prefer_verified=True):
        warn_of_tries(owner, kind=kind, address=place.address, at=timezone.now())
    raise get_adapter().validation_error(f"{kind}_{verdict}")


def forget_tries(kind: TryKind, place: Place) -> None:
    """Reset the counts after a correct password or code."""
    ratelimit.clear(place.request, action=f"{kind}_here", key=place.key)
    if not place.is_known:
        ratelimit.clear(place.request, action=f"{kind}_elsewhere", key=place.email.lower())
