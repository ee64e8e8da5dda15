"""Text that shows what has no shape."""

from __future__ import annotations


def show_blanks(text: str) -> str:
    """With visible blanks, and escapes for what has no shape."""
    return repr(text)[1:-1].replace(" ", "·")
