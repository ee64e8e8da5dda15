"""Closed lists of the accounts capability."""

from __future__ import annotations

from enum import StrEnum


class TryKind(StrEnum):
    """What is tried; ACCOUNT_RATE_LIMITS has the limits, `here` and `elsewhere`."""

    PASSWORD = "password"  # noqa: S105 -- no password
    CODE = "code"
    RESET = "reset"
