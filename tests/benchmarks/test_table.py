"""The table shows what was measured, and judges only that."""

from __future__ import annotations

import pytest

from benchmarks.load import Burst, Steady
from benchmarks.real_engine import Comparison, Round
from benchmarks.results import ENGINE, LITELLM, PORTAL, Results
from benchmarks.rows import list_rows
from benchmarks.table import render, render_full, render_short


def steady(*, micros: float, streams: int = 300, updates: float = 12.0, lost: int = 0) -> Steady:
    tokens = 60_000
    return Steady(
        streams=streams, open_streams=streams, seconds=10.0, tokens=tokens,
        cpu={"web": micros * tokens / 1e6, "engine": 0.6}, path=("web",), readers_cpu=0.25,
        lost=lost, unfinished=0, updates_per_second=updates,
    )  # fmt: skip


def burst(*first: float, size: int = 100) -> Burst:
    return Burst(size=size, lost=0, accepted=first, streamed=first, first=first)


def rounds(*speeds: float) -> list[Round]:
    return [
        Round(
            int(speed * 10), 10.0, flow_tokens=int(speed * 5), flow_seconds=5.0, server_cpu=0.1,
            path_cpu=0.2, failed=0,
        )
        for speed in speeds
    ]  # fmt: skip


def targets(results: Results) -> list[str]:
    return [row.target for row in list_rows(results) if row.target]


def test_columns_are_aligned() -> None:
    assert render(["", "a"], [["bb", "c"], ["d", "eee"]]).split("\n") == [
        "|    | a   |",
        "| -- | --- |",
        "| bb | c   |",
        "| d  | eee |",
    ]


def test_targets_that_are_reached() -> None:
    results = Results(rate=20, many_rate=2)
    results.steady[PORTAL] = steady(micros=119.9, updates=10.0)
    results.bursts[PORTAL] = burst(0.1, 0.4)
    results.many = steady(micros=200, streams=1000)
    results.real.append(Comparison("opt-125m", 32, direct=rounds(100, 102), portal=rounds(98, 99)))

    assert targets(results) == [
        "≤ 120: reached",
        "≥ 10: reached",
        "0, 0: reached",
        "1,000, 0: reached",
        "p99 ≤ 0.4: reached",
        "0: reached",
        "≥ 0.97: reached",
    ]


@pytest.mark.parametrize(("is_apart", "place"), [(False, ""), (True, " on its own cores")])
def test_it_is_said_where_the_engine_was(is_apart: bool, place: str) -> None:
    results = Results(rate=20, many_rate=2)
    results.real.append(
        Comparison("opt-125m", 32, direct=rounds(100), portal=rounds(98), is_apart=is_apart)
    )

    assert list_rows(results)[0].label == (f"real vLLM with opt-125m{place}, 32 streams: tokens/s")


def test_targets_that_are_not_reached() -> None:
    results = Results(rate=20, many_rate=2)
    results.steady[PORTAL] = steady(micros=120.1, updates=9.9, lost=1)
    results.bursts[PORTAL] = burst(0.1, 0.41)
    results.many = steady(micros=200, streams=1000, lost=1)
    results.real.append(Comparison("opt-125m", 32, direct=rounds(100, 100), portal=rounds(97, 96)))

    assert targets(results) == [
        "≤ 120: not reached",
        "≥ 10: not reached",
        "0, 0: not reached",
        "1,000, 0: not reached",
        "p99 ≤ 0.4: not reached",
        "0: reached",
        "≥ 0.97: not reached",
    ]


def test_a_smaller_load_is_not_judged_by_the_full_ones_targets() -> None:
    results = Results(rate=20)
    results.steady[PORTAL] = steady(micros=10, streams=60)
    results.bursts[PORTAL] = burst(0.1, size=20)

    assert targets(results) == ["≥ 10: reached", "0, 0: reached", "0: reached"]


def test_only_what_was_measured_is_in_the_table() -> None:
    results = Results(rate=20)
    results.steady[LITELLM] = steady(micros=1600)

    first = list_rows(results)[0]
    assert (first.label, first.cells, first.target) == (
        "300 streams of 20 tokens/s: CPU per token, µs", ["-", "-", "1,600.0"], "",
    )  # fmt: skip
    assert render_full(Results(rate=20)).count("\n") == 1


def test_the_short_table_has_one_line_a_subject() -> None:
    results = Results(rate=20)
    results.steady[PORTAL] = steady(micros=90)
    results.steady[ENGINE] = steady(micros=12)
    results.bursts[PORTAL] = burst(0.5, 1.25)

    rows = [
        [cell.strip() for cell in line.split("|")[1:-1]]
        for line in render_short(results).split("\n")
    ]
    assert rows[2:] == [
        ["portal", "90", "6,000", "0.50 / 1.25"],
        ["engine alone", "12", "6,000", "-"],
        ["LiteLLM's proxy", "-", "-", "-"],
    ]
