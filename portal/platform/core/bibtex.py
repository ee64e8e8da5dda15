"""Text for the fields of a BibTeX entry."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

# BibTeX counts braces even after a backslash, so that `\{` alone would leave a field open.
_COMMANDS: Final = {
    "\\": r"\textbackslash{}",
    "{": r"\textbraceleft{}",
    "}": r"\textbraceright{}",
    "~": r"\textasciitilde{}",
    "^": r"\textasciicircum{}",
    **{character: f"\\{character}" for character in "&%$#_"},
}
_TRANSLATION: Final = str.maketrans(_COMMANDS)


def escape_bibtex(text: str) -> str:
    """The text in one line, for a field in braces; all that has a meaning in TeX is escaped."""
    printable = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(printable.split()).translate(_TRANSLATION)


def write_misc(key: str, fields: Mapping[str, str]) -> str:
    """An entry of the kind `misc`; fields are escaped already, and empty ones are left out."""
    lines = "".join(f"  {name} = {{{value}}},\n" for name, value in fields.items() if value)
    return f"@misc{{{key},\n{lines}}}\n"
