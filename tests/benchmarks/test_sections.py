"""The table takes the place between its markers, and nothing else changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks.sections import BEGIN, END, MarkersMissingError, replace_section, write_section
from demo.place import ROOT

DOCUMENT = f"before\n{BEGIN}\nold \\1\n{END}\nafter\n"


def test_what_stands_between_the_markers_is_replaced() -> None:
    assert replace_section(DOCUMENT, r"new \1") == f"before\n{BEGIN}\nnew \\1\n{END}\nafter\n"


def test_replacing_twice_is_replacing_once() -> None:
    assert replace_section(replace_section(DOCUMENT, "a"), "b") == replace_section(DOCUMENT, "b")


@pytest.mark.parametrize("document", ["", BEGIN, f"{END}{BEGIN}", DOCUMENT * 2])
def test_a_document_without_one_place_is_refused(document: str) -> None:
    with pytest.raises(MarkersMissingError):
        replace_section(document, "new")


def test_a_file_is_named_where_it_has_no_place(tmp_path: Path) -> None:
    file = tmp_path / "README.md"
    file.write_text("nothing")

    with pytest.raises(MarkersMissingError, match=r"^README\.md: "):
        write_section(file, "new")


@pytest.mark.parametrize("name", ["README.md", "docs/performance.md"])
def test_our_own_documents_have_their_place(name: str) -> None:
    assert replace_section((ROOT / name).read_text(), "new").count("new") >= 1
