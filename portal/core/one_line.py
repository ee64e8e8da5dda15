"""Text of one line that people type and other people read: names, institutions, roles.

It is one line, shows every character that it has, and leads nowhere. Knows neither Django nor
rows.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

import idna

JOINERS: Final = "\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}"
"""Persian and the scripts of India need them, between certain letters (RFC 5892, A.1 and A.2)."""
BLANK: Final = frozenset(
    "\N{COMBINING GRAPHEME JOINER}\N{HANGUL CHOSEONG FILLER}\N{HANGUL JUNGSEONG FILLER}"
    "\N{HANGUL FILLER}\N{HALFWIDTH HANGUL FILLER}\N{BRAILLE PATTERN BLANK}"
    "\N{KHMER VOWEL INHERENT AQ}\N{KHMER VOWEL INHERENT AA}"
)
"""Letters and marks that nobody sees."""
UNSEEN: Final = frozenset({"Cc", "Cf", "Co", "Cs"})
"""Categories of Unicode: control, format (the bidi controls among them), private, half."""
LINK: Final = re.compile(
    r"\w+://\S*|\bwww\.\S+|\bmailto:\S+|\S+@\S+\.\w+|\w[\w-]*(?:\.[\w-]{2,})+[/:?#]\S+",
    re.IGNORECASE,
)
DOMAIN: Final = re.compile(r"[\w-]{2,}\.[^\W\d_]{2,}")
"""What programs that show mail make a link of, such as “example.org”."""
LONGEST_QUOTE: Final = 100


def read_line(text: str) -> str:
    """The text without outer space, and with one space wherever there was some.

    Raises `ValueError`, with a sentence for the person, for line breaks, for characters that
    cannot be seen, and for links.
    """
    stripped = text.strip()
    if len(stripped.splitlines()) > 1:
        raise ValueError("Write it in one line, without line breaks.")
    line = " ".join(stripped.split())
    if unseen := next((name for at in range(len(line)) if (name := _name_unseen(at, line))), ""):
        raise ValueError(f"It holds a character that cannot be seen ({unseen}). Type it anew.")
    if link := LINK.search(line):
        raise ValueError(f"Leave out links and addresses: “{link[0]}” reads as one.")
    return line


def read_name(text: str) -> str:
    """As `read_line`, for the name of a person, which holds no domain either."""
    line = read_line(text)
    if domain := DOMAIN.search(line):
        raise ValueError(
            f"“{domain[0]}” reads as an address on the internet. Put a space after the full stop."
        )
    return line


def tame_line(text: str) -> str:
    """What remains of a text without what `read_line` refuses, for one that others wrote."""
    line = " ".join(text.split())
    seen = "".join(letter for at, letter in enumerate(line) if not _name_unseen(at, line))
    return " ".join(LINK.sub("", seen).split())


def quote_stranger(text: str) -> str:
    """The text in quotes as a mail tells it to somebody who knows neither its writer nor us:
    one line, of bounded length, in which no program finds a link.
    """
    line = re.sub(r"(?<=[.:/@])(?=\S)", " ", tame_line(text).translate(_QUOTES))
    cut = line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1].rstrip()}…"
    return f"“{cut}”"


_QUOTES: Final = str.maketrans(dict.fromkeys('“”„"', "'"))


def _name_unseen(at: int, line: str) -> str:
    letter = line[at]
    if letter in JOINERS:
        is_unseen = not _is_joining(line, at)
    else:
        is_unseen = letter in BLANK or unicodedata.category(letter) in UNSEEN
    return unicodedata.name(letter, f"U+{ord(letter):04X}") if is_unseen else ""


def _is_joining(line: str, at: int) -> bool:
    try:
        return idna.valid_contextj(line, at)
    except ValueError:
        return False
