"""Measurements in a page of the documentation, between two comments with their name."""

from __future__ import annotations

from pathlib import Path

from demo.place import ROOT
from demo.terminal import RefusalError

PERFORMANCE = ROOT / "docs" / "performance.md"


def replace_section(page: str, name: str, body: str) -> str:
    """The page with `body` between the comments `name:begin` and `name:end`.

    Raises `RefusalError` unless each of them occurs once, in this order.
    """
    begin, end = f"<!-- {name}:begin -->", f"<!-- {name}:end -->"
    before, found_begin, rest = page.partition(begin)
    _, found_end, after = rest.partition(end)
    if not (found_begin and found_end) or page.count(begin) + page.count(end) != 2:
        raise RefusalError(f"the page must have {begin} and {end} once each, in this order")
    return f"{before}{begin}\n{body.strip()}\n{end}{after}"


def write_section(name: str, body: str, *, page: Path = PERFORMANCE) -> None:
    """Replace the section in the file."""
    text = replace_section(page.read_text(encoding="utf-8"), name, body)
    page.write_text(text, encoding="utf-8")
