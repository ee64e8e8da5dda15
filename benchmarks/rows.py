"""The table's figures, and the targets beside them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

from benchmarks.load import Burst, Steady, percentile
from benchmarks.real_engine import Comparison, Round, mean_flow, mean_speed, micros
from benchmarks.results import ENGINE, LITELLM, PORTAL, SUBJECTS, Results

MOST_MICROS = 120.0
FULL_STREAMS = 300
"""The load that the targets are for; smaller loads get no verdict."""
FULL_BURST = 100
LEAST_UPDATES = 10.0
MANY_STREAMS = 1000
MOST_BURST_SECONDS = 0.4
LEAST_RATIO = 0.97
NOT_MEASURED = "-"

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """One figure for every subject, in the order of SUBJECTS, and the portal's target."""

    label: str
    cells: Sequence[str]
    target: str = ""


def list_rows(results: Results) -> list[Row]:
    """Every figure that was measured."""
    return [
        *_steady_rows(results),
        *_many_rows(results.many, rate=results.many_rate),
        *_burst_rows(results.bursts),
        *(row for real in results.real for row in _real_rows(real)),
    ]


def judge(target: str, *, is_reached: bool) -> str:
    return f"{target}: {'reached' if is_reached else 'not reached'}"


def _steady_rows(results: Results) -> Iterator[Row]:
    steady = results.steady
    if not steady:
        return
    portal = steady.get(PORTAL)
    full = portal if portal and portal.streams >= FULL_STREAMS else None
    load = f"{max(each.streams for each in steady.values())} streams of {results.rate:g} tokens/s"
    yield Row(
        f"{load}: CPU per token, µs",
        _cells(steady, lambda each: f"{each.micros():,.1f}"),
        target=_judge(full, f"≤ {MOST_MICROS:g}", lambda it: it.micros() <= MOST_MICROS),
    )
    yield Row("… of that by part, µs", _cells(steady, _describe_parts))
    yield Row("… other parts, µs", _cells(steady, _describe_others))
    yield Row("… tokens/s sustained", _cells(steady, lambda each: f"{each.tokens_per_second:,.0f}"))
    yield Row(
        "… updates/s per reader",
        _cells(steady, lambda each: _number(each.updates_per_second)),
        target=_judge(
            portal, f"≥ {LEAST_UPDATES:g}", lambda it: it.updates_per_second >= LEAST_UPDATES
        ),
    )
    yield Row(
        "… runs lost, and unfinished",
        _cells(steady, lambda each: f"{each.lost}, {each.unfinished}"),
        target=_judge(portal, "0, 0", lambda it: it.lost + it.unfinished == 0),
    )
    yield Row(
        "… load generator, share of a core", _cells(steady, lambda each: f"{each.readers_cpu:.0%}")
    )


def _many_rows(many: Steady | None, *, rate: float) -> Iterator[Row]:
    if many is None:
        return
    is_reached = many.open_streams >= MANY_STREAMS and many.lost + many.unfinished == 0
    yield Row(
        f"{many.streams:,} streams of {rate:g} tokens/s on one web process: open at once, lost",
        _portal_only(f"{many.open_streams:,}, {many.lost + many.unfinished}"),
        target=judge(f"{MANY_STREAMS:,}, 0", is_reached=is_reached),
    )
    yield Row("… CPU per token, µs", _portal_only(f"{many.micros():,.1f}"))
    yield Row("… tokens/s sustained", _portal_only(f"{many.tokens_per_second:,.0f}"))


def _burst_rows(bursts: Mapping[str, Burst]) -> Iterator[Row]:
    if not bursts:
        return
    size = max(each.size for each in bursts.values())
    portal = bursts.get(PORTAL)
    full = portal if portal and portal.size >= FULL_BURST else None
    yield Row(
        f"burst of {size}: click to first token, p50 / p99, s",
        _cells(bursts, lambda each: describe_waits(each.first)),
        target=_judge(
            full,
            f"p99 ≤ {MOST_BURST_SECONDS:g}",
            lambda it: bool(it.first) and percentile(it.first, 0.99) <= MOST_BURST_SECONDS,
        ),
    )
    yield Row(
        "… click to acceptance, s", _cells(bursts, lambda each: describe_waits(each.accepted))
    )
    yield Row(
        "… acceptance to first token, s", _cells(bursts, lambda each: describe_waits(each.streamed))
    )
    yield Row(
        "… runs lost",
        _cells(bursts, lambda each: str(each.lost)),
        target=_judge(portal, "0", lambda it: it.lost == 0),
    )


def _real_rows(real: Comparison) -> Iterator[Row]:
    ratio = f"{real.ratio:.3f} of direct"
    place = " on its own cores" if real.is_apart else ""
    yield Row(
        f"real vLLM with {real.model}{place}, {real.streams} streams: tokens/s",
        (
            f"{mean_speed(real.portal):,.1f} ({ratio})",
            f"{mean_speed(real.direct):,.1f}",
            NOT_MEASURED,
        ),
        target=judge(f"≥ {LEAST_RATIO:g}", is_reached=real.ratio >= LEAST_RATIO),
    )
    flow = f"{real.flow_ratio:.3f} of direct"
    yield Row(
        "… while all streams flow: tokens/s",
        (f"{mean_flow(real.portal):,.1f} ({flow})", f"{mean_flow(real.direct):,.1f}", NOT_MEASURED),
    )
    yield Row("… each round", (_speeds(real.portal), _speeds(real.direct), NOT_MEASURED))
    path = micros(real.portal, lambda each: each.path_cpu)
    servers = [
        micros(rounds, lambda each: each.server_cpu) for rounds in (real.portal, real.direct)
    ]
    yield Row(
        "… CPU per token, µs",
        (
            f"path {path:,.0f}, vLLM's API server {servers[0]:,.0f}",
            f"{servers[1]:,.0f}",
            NOT_MEASURED,
        ),
    )
    yield Row("… runs that failed", (str(real.failed), "", ""))


def _cells(measured: Mapping[str, T], describe: Callable[[T], str]) -> list[str]:
    return [describe(measured[name]) if name in measured else NOT_MEASURED for name in SUBJECTS]


def _portal_only(cell: str) -> list[str]:
    return [cell, *(NOT_MEASURED for _ in (ENGINE, LITELLM))]


def _judge(measured: T | None, target: str, is_reached: Callable[[T], bool]) -> str:
    return "" if measured is None else judge(target, is_reached=is_reached(measured))


def _describe_parts(steady: Steady) -> str:
    return ", ".join(f"{part} {steady.micros(part):,.1f}" for part in steady.path)


def _describe_others(steady: Steady) -> str:
    others = [part for part in steady.cpu if part not in steady.path]
    return ", ".join(f"{part} {steady.micros(part):,.1f}" for part in others) or NOT_MEASURED


def describe_waits(waits: Sequence[float]) -> str:
    """The median and the 99th percentile of the waits, in seconds."""
    if not waits:
        return NOT_MEASURED
    return f"{percentile(waits, 0.5):.2f} / {percentile(waits, 0.99):.2f}"


def _speeds(rounds: Sequence[Round]) -> str:
    return ", ".join(f"{each.tokens_per_second:,.1f}" for each in rounds)


def _number(value: float) -> str:
    return NOT_MEASURED if math.isnan(value) else f"{value:.1f}"
