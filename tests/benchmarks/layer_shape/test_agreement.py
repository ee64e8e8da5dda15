from __future__ import annotations

from array import array

import pytest

from benchmarks.layer_shape.agreement import (
    Agreement,
    compare,
    find_best,
    read_engine_rows,
    read_reference_rows,
)

REFERENCE = [[-3.0, -1.0, -2.0], [-1.0, -2.0, -4.0]]


def test_the_largest_difference_at_any_position_counts() -> None:
    engine = [[-3.0, -1.25, -2.0], [-1.0, -2.0, -3.5]]

    assert compare(engine, REFERENCE) == Agreement(
        positions=2,
        vocabulary=3,
        largest_difference=0.5,
        same_best=2,
        lowest=-4.0,
        highest=-1.0,
    )


def test_another_likeliest_token_is_counted() -> None:
    engine = [[-3.0, -1.0, -2.0], [-2.0, -1.0, -4.0]]

    assert compare(engine, REFERENCE).same_best == 1


@pytest.mark.parametrize("engine", [REFERENCE[:1], [[-1.0], [-1.0]], []])
def test_other_positions_or_another_vocabulary_are_no_comparison(
    engine: list[list[float]],
) -> None:
    with pytest.raises(ValueError, match="the same positions and vocabulary"):
        compare(engine, REFERENCE)


def test_rows_are_put_into_the_order_of_the_ids() -> None:
    entries = {"2": {"logprob": -2.0}, "0": {"logprob": -3.0}, "1": {"logprob": -1.0}}

    rows = read_engine_rows([None, entries], vocabulary=3)

    assert [list(row) for row in rows] == [REFERENCE[0]]
    assert find_best(rows[0]) == 1


def test_a_vocabulary_with_holes_is_noticed() -> None:
    with pytest.raises(KeyError):
        read_engine_rows([None, {"0": {"logprob": -1.0}}], vocabulary=2)


def test_the_references_file_is_cut_into_positions() -> None:
    raw = array("f", [number for row in REFERENCE for number in row]).tobytes()

    assert [list(row) for row in read_reference_rows(raw, vocabulary=3)] == REFERENCE
