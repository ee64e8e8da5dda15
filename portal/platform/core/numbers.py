"""Numbers as programs write them. Depends on neither Django nor the database."""

from __future__ import annotations

import re
from typing import Final

_DIGITS: Final = re.compile(r"[0-9]{1,18}")


def is_number(text: str) -> bool:
    """Whether it is a whole number in ASCII digits that a 64-bit column holds."""
    return _DIGITS.fullmatch(text) is not None
