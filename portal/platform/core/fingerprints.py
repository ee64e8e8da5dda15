"""A fingerprint of what a page showed, which its form sends back.

So two tabs, or two people, do not overwrite each other's text without noticing.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LENGTH: Final = 16


class SavedMeanwhile(DomainError):  # noqa: N818 -- it names what happened, as LostRace does
    """The saved value is not the one that was seen; nothing is replaced."""

    def __init__(self, now_is: str) -> None:
        message = (
            f"This was changed after you opened the page: {now_is}. What you wrote is still in "
            "the form; send it again to replace the change."
        )
        super().__init__(RefusalCode.SAVED_MEANWHILE, message)


def fingerprint(value: object) -> str:
    """A short hash of a value of plain data; an empty string for an empty value."""
    if not value:
        return ""
    text = json.dumps(value, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:LENGTH]


def require_unchanged(seen: str | None, value: object, *, now_is: str) -> None:
    """Raise `SavedMeanwhile` unless `seen` is the value's fingerprint; None skips the check."""
    if seen is not None and seen != fingerprint(value):
        raise SavedMeanwhile(now_is)
