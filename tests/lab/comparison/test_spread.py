"""The figures of a spread equal those calculated by hand."""

from __future__ import annotations

import pytest

from portal.lab.comparison.domain.spread import Spread, measure_similarity, measure_spread


def test_the_figures_of_three_completions() -> None:
    """Words: a b a b, a b c, d. Of 8 words 4 are different, of 5 bigrams (ab ba ab, ab bc) 3.

    Pairs: 2 * 1 / (3 + 2) = 0.4; 0 / 3; 0 / 2. Means: -1, -2, -3.
    """
    spread = measure_spread(["a b a b", "a  b\nc", " d"], [-1.0, -2.0, -3.0])

    assert spread == Spread(
        samples=3, distinct_1=0.5, distinct_2=0.6, similarity=0.4 / 3, mean=-2.0, deviation=1.0
    )


def test_a_bigram_counts_as_often_as_both_texts_have_it() -> None:
    """Four x have `x x` three times, three x have it twice: 2 * 2 / (3 + 2)."""
    assert measure_similarity([["x"] * 4, ["x"] * 3]) == 0.8


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        ([["one", "two"], ["one", "two"]], 1.0),
        ([["one"], ["one"]], 1.0),
        ([["one"], ["two"]], 0.0),
        ([[], ["one", "two"]], 0.0),
        ([[], []], 1.0),
    ],
)
def test_similarity_at_its_ends(texts: list[list[str]], expected: float) -> None:
    assert measure_similarity(texts) == expected


def test_one_completion_has_no_spread() -> None:
    assert measure_spread(["a b"], [-1.0]) is None


def test_what_was_not_measured_is_left_out_of_the_means() -> None:
    spread = measure_spread(["", ""], [None, -0.5])

    assert spread == Spread(
        samples=2, distinct_1=None, distinct_2=None, similarity=1.0, mean=-0.5, deviation=None
    )
