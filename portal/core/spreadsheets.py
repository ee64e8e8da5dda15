"""Text from people in files that spreadsheets open."""

from __future__ import annotations

from typing import Final

FORMULA: Final = ("=", "+", "-", "@")


def guard_cell(text: str) -> str:
    """The text, with an apostrophe before what a spreadsheet would calculate."""
    return f"'{text}" if text.startswith(FORMULA) else text
