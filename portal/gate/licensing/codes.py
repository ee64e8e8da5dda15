"""Codes that are printed on paper, and typed from it."""

from __future__ import annotations

import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letters that look alike."""
GROUPS, GROUP = 4, 4
_ALIKE: Final = str.maketrans("OIL", "011")


def make_code() -> str:
    """A code of 80 random bits, such as `7K3M-0QXA-...`."""
    letters = [secrets.choice(ALPHABET) for _ in range(GROUPS * GROUP)]
    return _join("".join(letters))


def read_code(typed: str) -> str:
    """A code as it was printed, from one typed in lower case, without dashes, or with O for 0."""
    letters = [letter for letter in typed.upper().translate(_ALIKE) if letter in ALPHABET]
    return _join("".join(letters))


def _join(letters: str) -> str:
    return "-".join(letters[at : at + GROUP] for at in range(0, len(letters), GROUP))
