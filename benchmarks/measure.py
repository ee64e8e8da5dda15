"""The order in which everything is measured."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from dataclasses import dataclass

import uvloop

from benchmarks.direct import LITELLM as LITELLM_PACKAGES
from benchmarks.direct import running_engine, running_litellm
from benchmarks.load import Subject, hold_streams, send_burst
from benchmarks.portal_path import portal_subject
from benchmarks.real_engine import compare_throughput, is_installed
from benchmarks.results import ENGINE, LITELLM, PORTAL, REAL, Results
from benchmarks.stack import Shape, running_stack
from capacity.shapes import SHAPES
from demo.environments import install
from demo.terminal import say

WARM_UP_RUNS, WARM_UP_TOKENS = 8, 20
LARGER = "opt-1.3b"
"""How much the path to the reader slows an engine on the same cores depends on the engine's tokens
per second. A model ten times the size of the packaged one is closer to real hosted models."""
MANY_RATE = 2.0
MANY_RAMP_PER_SECOND = 15.0
"""Accepting a run takes tens of milliseconds of CPU, while earlier streams are still read."""


@dataclass(frozen=True)
class Scale:
    """The size of each measurement; `many=0` leaves that part out."""

    streams: int = 300
    seconds: float = 8.0
    rate: float = 20.0
    burst: int = 100
    burst_tokens: int = 40
    many: int = 1000
    real_streams: int = 32
    real_tokens: int = 128
    people: int = 100


QUICK = Scale(streams=60, seconds=4.0, burst=20, many=0, real_streams=8, real_tokens=32, people=20)


def measure(scale: Scale, *, only: Collection[str]) -> Results:
    """Measure the subjects in `only`, one after another, and print the progress."""
    results = Results(rate=scale.rate, many_rate=MANY_RATE)
    if ENGINE in only:
        say("Measuring the stand-in engine alone")
        with running_engine(rate=scale.rate) as (_, subject):
            uvloop.run(_load(results, ENGINE, subject, scale))
    if PORTAL in only:
        say("Measuring the portal")
        slots = max(scale.streams, scale.burst)
        with running_stack(Shape(people=scale.people, slots=slots, rate=scale.rate)) as stack:
            uvloop.run(_load(results, PORTAL, portal_subject(stack), scale))
    if LITELLM in only:
        install(LITELLM_PACKAGES)
        say("Measuring LiteLLM's proxy")
        with running_litellm(rate=scale.rate) as subject:
            uvloop.run(_load(results, LITELLM, subject, scale))
    if PORTAL in only and scale.many:
        say(f"Measuring the portal with {scale.many:,} open streams")
        _measure_many(results, scale)
    if REAL in only and is_installed():
        for shape, is_apart in ((None, False), (SHAPES[LARGER], False), (None, True)):
            model = "the packaged model" if shape is None else f"dummy weights of {shape.name}"
            place = " on its own cores" if is_apart else ""
            say(f"Measuring real vLLM with {model}{place}, in turn directly and through the portal")
            results.real.append(
                compare_throughput(
                    streams=scale.real_streams,
                    max_tokens=scale.real_tokens,
                    with_dummy=shape,
                    is_apart=is_apart,
                )
            )
    return results


async def _load(results: Results, name: str, subject: Subject, scale: Scale) -> None:
    """First the burst, on an idle subject; then the streams."""
    await asyncio.gather(*(subject.run(index, WARM_UP_TOKENS) for index in range(WARM_UP_RUNS)))
    results.bursts[name] = await send_burst(
        subject, size=scale.burst, max_tokens=scale.burst_tokens
    )
    results.steady[name] = await hold_streams(
        subject, streams=scale.streams, seconds=scale.seconds, rate=scale.rate
    )


def _measure_many(results: Results, scale: Scale) -> None:
    with running_stack(Shape(people=scale.people, slots=scale.many, rate=MANY_RATE)) as stack:
        results.many = uvloop.run(
            hold_streams(
                portal_subject(stack), streams=scale.many, seconds=scale.seconds, rate=MANY_RATE,
                ramp_per_second=MANY_RAMP_PER_SECOND,
            )
        )  # fmt: skip
