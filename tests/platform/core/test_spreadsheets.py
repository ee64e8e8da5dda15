"""Cells that a spreadsheet would calculate are written as text."""

from __future__ import annotations

import csv
import io

import pytest

from portal.platform.core.spreadsheets import guard_cell, write_rows


@pytest.mark.parametrize(
    "text",
    [
        "=1+1", "+1", "-1", "@SUM(A1)",
        "\uff1d1", "\uff0b1", "\uff0d1", "\uff20A1", "\ufe661", "\u22121",
        "\t=1", "\t1", "\r=1", "\n=1", " =1", "\u00a0=1", "\x0b1",
    ],
)  # fmt: skip
def test_what_would_be_calculated_is_guarded(text: str) -> None:
    assert guard_cell(text) == f"'{text}"


@pytest.mark.parametrize("text", ["", "Ada", "a=1", "1-2", "\u00c5sa", "'=1", "\u738b", " Ada"])
def test_other_text_stays_as_it_is(text: str) -> None:
    assert guard_cell(text) == text


def test_every_cell_of_text_is_guarded_and_numbers_are_numbers() -> None:
    written = write_rows([("=1", -1, -0.5, None, "Ada")])
    assert list(csv.reader(io.StringIO(written))) == [["'=1", "-1", "-0.5", "", "Ada"]]
