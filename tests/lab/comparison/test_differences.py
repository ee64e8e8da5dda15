"""What is marked as different from the first column."""

from __future__ import annotations

import random
import time

import pytest

from portal.lab.comparison.domain.differences import (
    Segment,
    find_common,
    mark_differences,
    split_words,
)


@pytest.mark.parametrize(
    ("reference", "units", "marked"),
    [
        ("abcd", "abcd", ""),
        ("abcd", "abXd", "X"),
        ("abcd", "bd", ""),
        ("abcd", "Xabcd", "X"),
        ("", "ab", "ab"),
        ("ab", "", ""),
        ("ab", "XY", "XY"),
    ],
)
def test_what_the_reference_lacks_is_marked(reference: str, units: str, marked: str) -> None:
    segments = mark_differences(reference, units, units)

    assert "".join(segment.text for segment in segments) == units
    assert "".join(segment.text for segment in segments if segment.differs) == marked


def test_neighbours_are_one_segment() -> None:
    segments = mark_differences([1, 2, 5], [1, 3, 4, 5], [" a", " b", "", " d"])

    assert segments == [Segment(" a", False), Segment(" b", True), Segment(" d", False)]


def test_the_common_part_is_as_long_as_by_the_table() -> None:
    dice = random.Random(7)
    for _ in range(300):
        one, two = (dice.choices("abc", k=dice.randrange(12)) for _ in range(2))
        places = sorted(find_common(one, two))
        rest = iter(one)
        assert all(two[place] in rest for place in places)
        assert len(places) == _length(one, two)


def _length(one: list[str], two: list[str]) -> int:
    before = [0] * (len(two) + 1)
    for letter in one:
        row = [0]
        for place, other in enumerate(two):
            row.append(before[place] + 1 if letter == other else max(row[-1], before[place + 1]))
        before = row
    return before[-1]


def test_long_texts_that_repeat_themselves_take_no_time() -> None:
    began = time.process_time()
    find_common(["x", "y"] * 4000, ["y", "y", "x"] * 2500)

    assert time.process_time() - began < 2


def test_words_keep_their_blanks() -> None:
    assert split_words(" one  two\n\nthree ") == [" one", "  two", "\n\nthree", " "]
