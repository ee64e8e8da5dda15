"""What a page showed when somebody began to write on it, told again when they send it.

So two tabs, or two people, do not write over each other unseen.
"""

from __future__ import annotations

import json
from hashlib import sha256
from typing import Final

from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

LENGTH: Final = 16


class SavedMeanwhile(DomainError):  # noqa: N818 -- it names what happened, as LostRace does
    """What would be replaced is not what was seen; nothing is replaced."""

    def __init__(self, now_is: str) -> None:
        message = (
            f"This was changed after you opened the page: {now_is}. What you wrote is still in "
            "the form; send it again to replace that."
        )
        super().__init__(RefusalCode.SAVED_MEANWHILE, message)


def fingerprint(value: object) -> str:
    """A short text that stands for a value of plain data; nothing at all has the empty one."""
    if not value:
        return ""
    text = json.dumps(value, sort_keys=True, default=str)
    return sha256(text.encode()).hexdigest()[:LENGTH]


def require_unchanged(seen: str | None, value: object, *, now_is: str) -> None:
    """Raise `SavedMeanwhile` unless `seen` is the value's; None asks nothing, as programs do."""
    if seen is not None and seen != fingerprint(value):
        raise SavedMeanwhile(now_is)
