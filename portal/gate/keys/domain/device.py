"""A login by browser (RFC 8628): a program shows a short code, a person allows it a key.

The only writer of `DeviceLogin`: compare-and-set along `enums.LOGIN_TRANSITIONS`.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final, NoReturn

from django.db import transaction
from django.db.models import Q
from django.urls import reverse

from portal.gate.access.enums import KeyScope
from portal.gate.keys.domain.access import describe_key_access
from portal.gate.keys.domain.lifecycle import IssuedKey, issue_key, require_room
from portal.gate.keys.enums import LOGIN_TRANSITIONS, LoginState
from portal.gate.keys.models import DeviceLogin
from portal.platform.accounts.models import User
from portal.platform.core.errors import DomainError, LostRace
from portal.platform.core.link_tokens import digest_token
from portal.platform.core.refusals import RefusalCode

LIFETIME: Final = timedelta(minutes=15)
INTERVAL: Final = timedelta(seconds=5)
TOLERANCE: Final = timedelta(seconds=1)
"""The program may ask this much sooner: it has another clock."""
KEY_LIFETIME: Final = timedelta(days=30)
CODE_LENGTH: Final = 8
CODE_LETTERS: Final = "BCDFGHJKLMNPQRSTVWXZ"
"""No vowels, so that no words arise, and no digits, which look like letters."""


@dataclass(frozen=True)
class BegunLogin:
    """A login and the program's own code, which exists here and nowhere else."""

    login: DeviceLogin
    device_code: str = field(repr=False)


def begin_login(*, address: str | None, at: datetime) -> BegunLogin:
    """A new login, asked for from a network address."""
    device_code = secrets.token_urlsafe(32)
    login = DeviceLogin.objects.create(
        device_digest=digest_token(device_code),
        user_code="".join(secrets.choice(CODE_LETTERS) for _ in range(CODE_LENGTH)),
        address=address,
        created_at=at,
        expires_at=at + LIFETIME,
    )
    return BegunLogin(login, device_code)


def write_code(login: DeviceLogin) -> str:
    """The person's code as it is shown."""
    half = CODE_LENGTH // 2
    return f"{login.user_code[:half]}-{login.user_code[half:]}"


def name_key(login: DeviceLogin) -> str:
    """The name of the key that the login will make."""
    return f"hf auth login from {login.address or 'an unknown address'}"


def find_login(user_code: str, *, at: datetime) -> DeviceLogin:
    """The login that waits under a code, however it is spaced. Raises `code_unknown`."""
    letters = "".join(filter(str.isalpha, user_code.upper()))
    waiting = DeviceLogin.objects.filter(state=LoginState.PENDING, expires_at__gt=at)
    login = waiting.filter(user_code=letters).first()
    if login is None:
        raise DomainError(
            RefusalCode.CODE_UNKNOWN,
            "No program waits with this code: it is mistyped, was answered, or is more than "
            f"{LIFETIME.seconds // 60} minutes old. Compare it with your terminal, or run "
            "hf auth login again.",
            field="user_code",
        )
    return login


def require_may_allow(person: User, *, at: datetime) -> None:
    """Raise `DomainError` unless the person could make a key for weights by hand."""
    access = describe_key_access(person, at=at)
    if access.refusal is not None:
        step = access.refusal.next_step
        raise DomainError(
            RefusalCode(access.refusal.code),
            access.refusal.message,
            next_url=step.url if step else None,
        )
    if KeyScope.WEIGHTS not in access.scopes:
        raise DomainError(
            RefusalCode.FORBIDDEN,
            "Your access does not include the weights of any model.",
            next_url=reverse("access:status"),
        )
    require_room(person, at=at)


def approve_login(login: DeviceLogin, *, by: User, at: datetime) -> None:
    """Let the program fetch a key of the person. Raises as `require_may_allow`, and `LostRace`."""
    require_may_allow(by, at=at)
    _move(login, LoginState.APPROVED, at=at, user=by)


def deny_login(login: DeviceLogin, *, by: User, at: datetime) -> None:
    """Refuse the program. Raises `LostRace` if the login was answered or has expired."""
    _move(login, LoginState.DENIED, at=at, user=by)


def collect_key(device_code: str, *, at: datetime) -> IssuedKey:
    """The key for which the program waits, given once.

    Raises `DomainError` with the codes of RFC 8628: `invalid_grant` for an unknown or used code,
    `expired_token`, `access_denied` (also if the person can have no key now),
    `authorization_pending`, and `slow_down` for a program that asks too often.
    """
    logins = DeviceLogin.objects.select_related("user")
    login = logins.filter(device_digest=digest_token(device_code)).first()
    if login is None:
        raise DomainError(RefusalCode.INVALID_GRANT, "This code is not known here.")
    if login.state == LoginState.USED:
        _refuse_used()
    if login.expires_at <= at:
        raise DomainError(RefusalCode.EXPIRED_TOKEN, "Nobody allowed this login in time.")
    if login.state == LoginState.DENIED:
        raise DomainError(RefusalCode.ACCESS_DENIED, "The login was denied in the browser.")
    if login.state == LoginState.PENDING:
        _refuse_pending(login, at=at)
    return _issue(login, at=at)


@transaction.atomic
def _issue(login: DeviceLogin, *, at: datetime) -> IssuedKey:
    try:
        _move(login, LoginState.USED, at=at)
    except LostRace:
        _refuse_used()
    assert login.user is not None  # noqa: S101 -- for the type checker
    try:
        require_may_allow(login.user, at=at)
        return issue_key(
            login.user,
            name=name_key(login),
            scopes=[KeyScope.WEIGHTS],
            expires_at=at + KEY_LIFETIME,
        )
    except DomainError as error:
        raise DomainError(RefusalCode.ACCESS_DENIED, error.message) from error


def _move(login: DeviceLogin, state: LoginState, *, at: datetime, **changes: User) -> None:
    sources = [source for source, ends in LOGIN_TRANSITIONS.items() if state in ends]
    unchanged = DeviceLogin.objects.filter(pk=login.pk, state__in=sources, expires_at__gt=at)
    if unchanged.update(state=state, **changes) != 1:
        raise LostRace("This login was already answered, or its code has expired.")


def _refuse_used() -> NoReturn:
    raise DomainError(RefusalCode.INVALID_GRANT, "This code was already used.")


def _refuse_pending(login: DeviceLogin, *, at: datetime) -> NoReturn:
    long_ago = Q(polled_at=None) | Q(polled_at__lte=at - INTERVAL + TOLERANCE)
    if not DeviceLogin.objects.filter(long_ago, pk=login.pk).update(polled_at=at):
        raise DomainError(
            RefusalCode.SLOW_DOWN, f"Ask every {INTERVAL.seconds} seconds, not more often."
        )
    raise DomainError(RefusalCode.AUTHORIZATION_PENDING, "Nobody has answered yet.")
