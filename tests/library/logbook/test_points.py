"""How values are stored, and how they are thinned."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from portal.library.logbook.points import (
    VALUE,
    Points,
    read_outlines,
    read_points,
    thin,
    write_outline,
    write_points,
)


def points_of(*values: float) -> Points:
    steps = np.arange(len(values), dtype=float)
    return np.column_stack([steps, steps * 1000, steps * 10, values])


def drawn(points: Points) -> list[tuple[int, float]]:
    return [(int(step), float(value)) for step, _, _, value in points]


def test_each_group_keeps_its_first_lowest_highest_and_last() -> None:
    first = (5.0, 4.0, 9.0, 1.0, 4.0, 3.0, 3.5)  # spike at 2, trough at 3
    second = (3.0, 3.1, 2.9, 2.8, 2.7, 40.0, 2.6)  # spike at 12, lowest is the last

    thinned = thin(points_of(*first, *second), groups=2)

    assert drawn(thinned) == [
        (0, 5.0),
        (2, 9.0),
        (3, 1.0),
        (6, 3.5),
        (7, 3.0),
        (12, 40.0),
        (13, 2.6),
    ]


def test_the_last_group_may_be_shorter() -> None:
    assert drawn(thin(points_of(1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 11), groups=2)) == [
        (0, 1.0), (5, 6.0), (6, 7.0), (9, 0.0), (10, 11.0),
    ]  # fmt: skip


def test_few_points_are_returned_unchanged() -> None:
    points = points_of(1, 2, 3, 4, 5, 6, 7, 8)

    assert thin(points, groups=2) is points


def test_a_group_keeps_its_first_value_that_is_not_finite() -> None:
    thinned = thin(points_of(5, 4, math.nan, math.inf, 3, 9, 2), groups=1)

    assert [step for step, _ in drawn(thinned)] == [0, 2, 5, 6]
    assert math.isnan(thinned[1, VALUE])


def test_a_group_of_nothing_finite_is_a_gap() -> None:
    assert [step for step, _ in drawn(thin(points_of(*[math.nan] * 9), groups=1))] == [0, 8]


@given(
    st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=200),
    st.integers(1, 20),
)
def test_no_spike_is_lost(values: list[float], groups: int) -> None:
    thinned = thin(points_of(*values), groups=groups)

    assert thinned[:, VALUE].max() == max(values)
    assert thinned[:, VALUE].min() == min(values)
    assert (thinned[0, VALUE], thinned[-1, VALUE]) == (values[0], values[-1])
    assert len(thinned) <= max(4 * groups, 4)


@given(st.lists(st.floats(), min_size=1, max_size=50), st.integers(0, 2**52))
def test_bytes_keep_every_value(values: list[float], first: int) -> None:
    points = points_of(*values)
    points[:, 0] += first

    read = read_points(write_points(points), count=len(points))

    assert read.tobytes() == points.tobytes()


def test_outlines_are_thinned_points_in_a_row() -> None:
    outlines = [write_outline(points_of(1, 2, 9, 0, 3)), write_outline(points_of(7, 7))]

    assert drawn(read_outlines(outlines)) == [(0, 1), (2, 9), (3, 0), (4, 3), (0, 7), (1, 7)]
