"""Counting the results of a load."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Any

import pytest

from benchmarks.load import Subject, is_lost, percentile, send_burst
from benchmarks.run import Run

GOOD = Run(end="done", tokens=2, text="ab", submitted_at=1, accepted_at=2, first_at=4, ended_at=5)


@dataclass
class NoReaders:
    tokens: int = 0
    streaming: int = 0


def make_subject(*runs: Run | None) -> Subject:
    """Run number n is the n-th; None never ends."""

    async def run(index: int, max_tokens: int) -> Run:
        found = runs[index]
        if found is None:
            await asyncio.Event().wait()
        assert found is not None
        return found

    return Subject(
        readers=NoReaders(), run=run, cpu=dict, path=(), text_of=lambda tokens: "ab"[:tokens]
    )


@pytest.mark.parametrize(
    ("share", "value"), [(0.0, 1), (0.5, 5), (0.51, 6), (0.9, 9), (0.99, 10), (1.0, 10)]
)
def test_percentile_is_a_value_that_the_share_does_not_exceed(share: float, value: int) -> None:
    assert percentile([3, 1, 2, 10, 9, 8, 7, 6, 5, 4], share) == value


def test_percentile_of_one_value() -> None:
    assert percentile([7.0], 0.99) == 7.0


@pytest.mark.parametrize(
    "change",
    [{"end": ""}, {"end": "failed"}, {"faults": 1}, {"tokens": 1}, {"tokens": 3}, {"text": "ax"}],
)
def test_a_run_that_is_not_what_a_reader_is_owed_is_lost(change: dict[str, Any]) -> None:
    subject = make_subject()

    assert is_lost(subject, replace(GOOD, **change), tokens=2)
    assert not is_lost(subject, GOOD, tokens=2)


async def test_a_burst_counts_waits_of_those_that_began_and_loses_the_others() -> None:
    refused = Run(submitted_at=1, error="429")
    subject = make_subject(GOOD, refused, None, GOOD)

    burst = await send_burst(subject, size=4, max_tokens=2, patience=0.05)

    assert (burst.size, burst.lost) == (4, 2)
    assert (burst.accepted, burst.streamed, burst.first) == ([1, 1], [2, 2], [3, 3])
