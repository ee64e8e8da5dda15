"""The difference between an engine's log-probabilities and a reference's."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Row = Sequence[float]
"""One position: a log-probability for each entry of the vocabulary, by id."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """Two models on the same ids, the engine and the reference."""

    positions: int
    vocabulary: int
    largest_difference: float
    """Over all log-probabilities at all positions."""
    same_best: int
    """Positions with the same most likely id in both."""
    lowest: float
    highest: float
    """The range of the reference's log-probabilities, to compare the difference with."""


def compare(engine: Sequence[Row], reference: Sequence[Row]) -> Agreement:
    """Compare position by position; raises `ValueError` if the shapes differ."""
    if [len(row) for row in engine] != [len(row) for row in reference] or not reference:
        raise ValueError("engine and reference must have the same positions and vocabulary")
    return Agreement(
        positions=len(reference),
        vocabulary=len(reference[0]),
        largest_difference=max(
            abs(ours - theirs)
            for row, expected in zip(engine, reference, strict=True)
            for ours, theirs in zip(row, expected, strict=True)
        ),
        same_best=sum(
            find_best(row) == find_best(expected)
            for row, expected in zip(engine, reference, strict=True)
        ),
        lowest=min(min(row) for row in reference),
        highest=max(max(row) for row in reference),
    )


def find_best(row: Row) -> int:
    return max(range(len(row)), key=row.__getitem__)


def read_engine_rows(
    prompt_logprobs: Sequence[Mapping[str, Mapping[str, Any]] | None], *, vocabulary: int
) -> list[Row]:
    """Positions from vLLM's `prompt_logprobs` of the whole vocabulary; the first has none.

    Raises `KeyError` if an id is missing.
    """
    return [
        array("f", (entries[str(index)]["logprob"] for index in range(vocabulary)))
        for entries in prompt_logprobs
        if entries is not None
    ]


def read_reference_rows(raw: bytes, *, vocabulary: int) -> list[Row]:
    """Positions from the output of `engine_tools/logprobs_reference.py`."""
    flat = array("f")
    flat.frombytes(raw)
    return [flat[begin : begin + vocabulary] for begin in range(0, len(flat), vocabulary)]
