"""How much several completions of one prompt differ, in figures."""

from __future__ import annotations

import math
import statistics
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TypeAlias

Gram: TypeAlias = tuple[str, ...]


@dataclass(frozen=True)
class Spread:
    """Figures of at least two completions; None where there is nothing to calculate."""

    samples: int
    distinct_1: float | None
    distinct_2: float | None
    similarity: float | None
    mean: float | None
    """Of the completions' mean log-probabilities."""
    deviation: float | None
    """Their sample standard deviation, with n - 1."""


def measure_spread(texts: Sequence[str], means: Sequence[float | None]) -> Spread | None:
    """The spread of completions with these mean log-probabilities; None for fewer than two."""
    if len(texts) < 2:
        return None
    words = [text.split() for text in texts]
    known = [mean for mean in means if mean is not None]
    return Spread(
        samples=len(texts),
        distinct_1=measure_distinct([list_grams(each, 1) for each in words]),
        distinct_2=measure_distinct([list_grams(each, 2) for each in words]),
        similarity=measure_similarity(words),
        mean=math.fsum(known) / len(known) if known else None,
        deviation=statistics.stdev(known) if len(known) > 1 else None,
    )


def list_grams(words: Sequence[str], n: int) -> list[Gram]:
    """Every run of `n` words; none in a shorter text."""
    return [tuple(words[start : start + n]) for start in range(len(words) - n + 1)]


def measure_distinct(grams: Sequence[Sequence[Gram]]) -> float | None:
    """distinct-n: the different n-grams of all texts, divided by all their n-grams."""
    every = [gram for each in grams for gram in each]
    return len(set(every)) / len(every) if every else None


def measure_similarity(texts: Sequence[Sequence[str]]) -> float | None:
    """Self-similarity: the mean, over all pairs of texts, of Dice's coefficient of their bigrams.

    For texts A and B it is 2 * |A and B| / (|A| + |B|), where |A| counts the bigrams of words of A
    with their repetitions, and "A and B" has each bigram as often as the text with fewer of it. If
    neither text has a bigram, it is 1 for equal texts and otherwise 0.
    """
    counted = [(Counter(pairwise(words)), words) for words in texts]
    values = [_compare(*first, *second) for first, second in combinations(counted, 2)]
    return math.fsum(values) / len(values) if values else None


def _compare(
    first: Counter[tuple[str, str]],
    first_words: Sequence[str],
    second: Counter[tuple[str, str]],
    second_words: Sequence[str],
) -> float:
    total = first.total() + second.total()
    if not total:
        return float(list(first_words) == list(second_words))
    return 2 * (first & second).total() / total
