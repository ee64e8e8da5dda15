"""Which letters an agreement's fonts can draw, and how to spell those that they cannot."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from fontTools.ttLib import TTFont

FONTS: Final = Path(__file__).resolve().parents[2] / "fonts"
MAIN: Final = "DejaVuSans"
FALLBACKS: Final = ("DroidSansFallback", "NotoSansDevanagari", "NotoSansThai")
"""Tried in this order for letters that the main font lacks."""
LACKING: Final = "\N{REPLACEMENT CHARACTER}"
JOINERS: Final = frozenset("\N{ZERO WIDTH NON-JOINER}\N{ZERO WIDTH JOINER}")
SELECTORS: Final = frozenset(map(chr, [*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)]))
"""They choose among forms of a letter, and are invisible themselves."""


@dataclass(frozen=True)
class Drawable:
    """A text as the fonts can draw it; `lost` are the characters that it does not show.

    Letters that no font has are drawn as U+FFFD; invisible characters are left out.
    """

    text: str
    lost: tuple[str, ...]

    @property
    def needs_shaping(self) -> bool:
        """Whether letters join, reorder or stack, so that drawing one by one is wrong."""
        return any(
            unicodedata.bidirectional(letter) in {"R", "AL", "AN"}
            or unicodedata.category(letter).startswith("M")
            for letter in self.text
        )

    @property
    def fallbacks(self) -> list[str]:
        """The fonts besides the main one that the text needs."""
        foreign = {ord(letter) for letter in self.text} - covered(MAIN) - {ord("\n")}
        found = []
        for font in FALLBACKS:
            if foreign & covered(font):
                found.append(font)
                foreign -= covered(font)
        return found


def make_drawable(text: str) -> Drawable:
    """The text in NFC, of letters that can be drawn, with every line end as one newline."""
    drawn: list[str] = []
    lost: dict[str, None] = {}
    composed = unicodedata.normalize("NFC", text.replace("\r\n", "\n").replace("\r", "\n"))
    for letter in composed.expandtabs(4):
        if letter == "\n" or letter in JOINERS:
            drawn.append(letter)
        elif letter in SELECTORS or unicodedata.category(letter) in {"Cc", "Cf"}:
            lost[letter] = None
        elif can_draw(letter):
            drawn.append(letter)
        else:
            drawn.append(LACKING)
            lost[letter] = None
    return Drawable("".join(drawn), tuple(lost))


def can_draw(letter: str) -> bool:
    """Whether one of the fonts has the letter."""
    return any(ord(letter) in covered(font) for font in (MAIN, *FALLBACKS))


def spell(text: str) -> str:
    """The text as Unicode code points, such as `U+0041 U+00E9`."""
    return " ".join(f"U+{ord(letter):04X}" for letter in text)


@cache
def covered(font: str) -> frozenset[int]:
    """The code points for which a font has a glyph."""
    with TTFont(FONTS / f"{font}.ttf", lazy=True) as opened:
        return frozenset(opened.getBestCmap())
