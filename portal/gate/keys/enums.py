"""The states of a program's request to be signed in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from django.db import models


class LoginState(models.TextChoices):
    """Pending until a person answers; used when the program has fetched its key."""

    PENDING = "pending", "Waiting for an answer"
    APPROVED = "approved", "Allowed"
    DENIED = "denied", "Denied"
    USED = "used", "Used"


LOGIN_TRANSITIONS: Final[Mapping[LoginState, frozenset[LoginState]]] = {
    LoginState.PENDING: frozenset({LoginState.APPROVED, LoginState.DENIED}),
    LoginState.APPROVED: frozenset({LoginState.USED}),
    LoginState.DENIED: frozenset(),
    LoginState.USED: frozenset(),
}
