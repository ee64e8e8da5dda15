"""The documents that show the newest table, between two markers."""

from __future__ import annotations

import re
from pathlib import Path

BEGIN, END = "<!-- bench:begin -->", "<!-- bench:end -->"
_SECTION = re.compile(f"{re.escape(BEGIN)}.*?{re.escape(END)}", re.DOTALL)


class MarkersMissingError(Exception):
    """The document has no place for the table, or more than one."""


def replace_section(document: str, body: str) -> str:
    """The document with `body` between its markers; raises `MarkersMissingError`."""
    if len(_SECTION.findall(document)) != 1:
        raise MarkersMissingError(f"the document needs {BEGIN} and {END} once, in this order")
    return _SECTION.sub(lambda _: f"{BEGIN}\n{body}\n{END}", document)


def write_section(file: Path, body: str) -> None:
    """Put `body` between the file's markers; raises `MarkersMissingError`."""
    try:
        file.write_text(replace_section(file.read_text(), body))
    except MarkersMissingError as error:
        raise MarkersMissingError(f"{file.name}: {error}") from None
