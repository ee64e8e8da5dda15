"""ORCID iDs: sixteen characters whose last one checks the rest."""

from __future__ import annotations

import re

_SHAPE = re.compile(r"[0-9]{15}[0-9X]")
_PREFIX = re.compile(r"^(https?://)?(www\.)?orcid\.org/", re.IGNORECASE)


def normalise_orcid(text: str) -> str:
    """The iD as `0000-0002-1825-0097`, from the iD with or without hyphens or its address.

    Raises `ValueError` with a sentence for the person.
    """
    compact = re.sub(r"[\s\u2010-\u2015-]", "", _PREFIX.sub("", text.strip())).upper()
    if not _SHAPE.fullmatch(compact):
        raise ValueError("An ORCID iD has sixteen characters, such as 0000-0002-1825-0097.")
    if check_character(compact[:15]) != compact[15]:
        raise ValueError("This ORCID iD has a typing error: its last character does not match.")
    return "-".join(compact[start : start + 4] for start in range(0, 16, 4))


def check_character(digits: str) -> str:
    """The check character of fifteen digits, by ISO/IEC 7064 MOD 11-2."""
    total = 0
    for digit in digits:
        total = (total + int(digit)) * 2
    check = (12 - total % 11) % 11
    return "X" if check == 10 else str(check)
