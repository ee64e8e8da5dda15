"""The text of a key: making it, and checking it before any query."""

from __future__ import annotations

import re
import secrets
import string
from dataclasses import dataclass
from hashlib import sha256
from typing import Final
from zlib import crc32

PREFIX: Final = "gh_"
LOOKUP_LENGTH: Final = 10
SECRET_LENGTH: Final = 32
CHECKSUM_LENGTH: Final = 6
ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
"""Base62, in the order of ASCII."""
PATTERN: Final = re.compile(r"gh_[0-9A-Za-z]{48}", re.ASCII)
"""What secret scanners look for; the checksum then tells a key from a chance match."""


@dataclass(frozen=True)
class KeyText:
    """A whole key, and the two parts of it that are stored."""

    whole: str
    lookup: str

    @property
    def digest(self) -> str:
        """SHA-256 of the whole key, as 64 hexadecimal digits."""
        return sha256(self.whole.encode()).hexdigest()

    def __repr__(self) -> str:
        return f"KeyText({shown_part(self.lookup)!r})"


def make_text() -> KeyText:
    """A new key with 190 bits of secret from the system's source of randomness."""
    lookup, secret = _random(LOOKUP_LENGTH), _random(SECRET_LENGTH)
    body = f"{PREFIX}{lookup}{secret}"
    return KeyText(whole=body + checksum(body), lookup=lookup)


def parse_text(text: str) -> KeyText | None:
    """The key that `text` spells, or None if its form or its checksum is wrong."""
    if PATTERN.fullmatch(text) is None:
        return None
    body, end = text[:-CHECKSUM_LENGTH], text[-CHECKSUM_LENGTH:]
    if checksum(body) != end:
        return None
    return KeyText(whole=text, lookup=text[len(PREFIX) :][:LOOKUP_LENGTH])


def checksum(body: str) -> str:
    """CRC-32 of everything before it, as six digits of base 62."""
    number, digits = crc32(body.encode("ascii")), ""
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(ALPHABET))
        digits = ALPHABET[digit] + digits
    return digits


def shown_part(lookup: str) -> str:
    """What may be shown of a key, to tell it from others."""
    return f"{PREFIX}{lookup}…"


def _random(length: int) -> str:
    return "".join(secrets.choice(ALPHABET) for _ in range(length))
