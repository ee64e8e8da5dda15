"""People's text in files that spreadsheets open."""

from __future__ import annotations

import csv
import io
import unicodedata
from collections.abc import Iterable
from typing import Final

FORMULA: Final = frozenset("=+-@\N{MINUS SIGN}")


def write_rows(rows: Iterable[Iterable[object]]) -> str:
    """Lines of CSV. Every string in them is guarded; numbers stay numbers, None is empty."""
    text = io.StringIO()
    csv.writer(text).writerows(map(_guard, row) for row in rows)
    return text.getvalue()


def guard_cell(text: str) -> str:
    """The text, with an apostrophe in front if a spreadsheet would take it for a formula.

    That is text that begins with a sign of `FORMULA`, in any width, also after white space.
    """
    begins = unicodedata.normalize("NFKC", text.lstrip()[:1])
    is_formula = begins in FORMULA or text[:1] in "\t\r\n\v\f"
    return f"'{text}" if text and is_formula else text


def _guard(cell: object) -> object:
    return guard_cell(cell) if isinstance(cell, str) else cell
