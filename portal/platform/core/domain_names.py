"""Domain names as machines compare them, and what people may misread in them.

Depends on neither Django nor the database.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

import idna
from fontTools import unicodedata

COMMON: Final = frozenset({"Zyyy", "Zinh"})
"""Digits, hyphens and marks, which belong to every script."""
TOGETHER: Final = (
    frozenset({"Latn", "Hani", "Hira", "Kana"}),
    frozenset({"Latn", "Hani", "Bopo"}),
    frozenset({"Latn", "Hani", "Hang"}),
)
"""Scripts that are written together in one word (Unicode UTS 39, highly restrictive)."""
LATIN_IN_DISGUISE: Final = frozenset("асԁеһіјӏорԛѕυνԝхуοαεικρτχϲհոսօցզ")
"""Letters of Cyrillic, Greek and Armenian that look like Latin ones."""


def to_ascii(domain: str) -> str:
    """The domain in lower case, with letters outside ASCII as punycode (IDNA 2008, UTS 46).

    Raises `ValueError` if it is not a domain name.
    """
    if domain.isascii():
        return domain.lower()
    try:
        return idna.encode(domain, uts46=True).decode()
    except idna.IDNAError as error:
        raise ValueError(f"{domain} is not a domain name") from error


def canonical_domain(domain: str) -> str:
    """Like `to_ascii`; anything that is not a domain name is only put in lower case."""
    try:
        return to_ascii(domain)
    except ValueError:
        return domain.lower()


def canonical_address(email: str) -> str:
    """An e-mail address in the spelling that is stored and compared: lower case, with the domain
    in ASCII. Raises `ValueError` if its domain is not a domain name.
    """
    local, at, domain = email.lower().rpartition("@")
    return f"{local}{at}{to_ascii(domain)}"


def describe_domain(domain: str) -> str:
    """The domain in ASCII, followed by the letters that punycode stands for, if there is any."""
    exact = canonical_domain(domain)
    letters = ".".join(map(_to_letters, exact.split(".")))
    return exact if letters == exact else f"{exact} (shown elsewhere as “{letters}”)"


def find_lookalike(domain: str) -> str:
    """Why a domain looks like another one, in words; empty for most domains."""
    return next(_find_disguises(canonical_domain(domain)), "")


def _find_disguises(domain: str) -> Iterator[str]:
    for label in map(_to_letters, domain.split(".")):
        scripts = {unicodedata.script(letter) for letter in label} - COMMON
        names = sorted(unicodedata.script_name(script) for script in scripts)
        if len(scripts) > 1 and not any(scripts <= allowed for allowed in TOGETHER):
            yield f"“{label}” mixes {' and '.join(names)} letters"
        elif scripts and "Latn" not in scripts and _is_disguised(label):
            yield f"“{label}” looks Latin but is written in {names[0]} letters"


def _is_disguised(label: str) -> bool:
    return all(letter in LATIN_IN_DISGUISE for letter in label if letter.isalpha())


def _to_letters(label: str) -> str:
    try:
        return idna.decode(label) if label.startswith("xn--") else label
    except (idna.IDNAError, UnicodeError):
        return label
