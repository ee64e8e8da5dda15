"""Parts die in the middle of many running streams, and no reader notices.

`make test` runs this with a few streams and stand-in engines; `make chaos` with two hundred and
real vLLM behind two workers, and prints what it saw. Its model is a tiny one: with a larger one on
a few processors, most of the time until a run continues would be spent reading two hundred
prompts again.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable, Iterator

import pytest

from benchmarks.portal_readers import Run
from benchmarks.stack import (
    Shape,
    Stack,
    divide_cores,
    engine_name,
    running_stack,
    worker_name,
)
from demo.programs import WEB
from tests.chaos.scene import run_undisturbed, strike
from tests.inference_workers.real_engine import WEIGHTS_DIR, run_tool

pytestmark = [pytest.mark.engine]

OPT = "tiny-opt-tp2"
IS_FULL = os.environ.get("CHAOS") == "full"
STREAMS = 200 if IS_FULL else 16
SHAPE = (
    Shape(people=20, slots=224, rate=None, weights=OPT, pairs=2, engine_cores=divide_cores(2))
    if IS_FULL
    else Shape(people=8, slots=24, rate=40.0, pairs=2)
)
PROMPT = "Where does this number come from"
"""From here the tiny model continues to the end of its context."""
TOKENS = 900 if IS_FULL else 200


@pytest.fixture(scope="module")
def stack() -> Iterator[Stack]:
    if IS_FULL:
        run_tool("make_tiny_opt.py", str(WEIGHTS_DIR / OPT))
    with running_stack(SHAPE) as running:
        yield running


@pytest.fixture(scope="module")
def undisturbed(stack: Stack) -> Run:
    return asyncio.run(run_undisturbed(stack, prompt=PROMPT, tokens=TOKENS))


def kill_worker(stack: Stack) -> None:
    stack.kill(worker_name(0))


def kill_engine(stack: Stack) -> None:
    stack.kill_engine(0)


def kill_launcher(stack: Stack) -> None:
    stack.kill(engine_name(0))


def drain_worker(stack: Stack) -> None:
    """As in a rolling restart."""
    stack.terminate(worker_name(0))


def lose_broker(stack: Stack) -> None:
    stack.valkey.kill()
    stack.valkey.start(wipe=True)


def kill_web(stack: Stack) -> None:
    stack.kill(WEB)


def crash_postgres(stack: Stack) -> None:
    stack.restart_postgres()


@pytest.mark.parametrize(
    "fault",
    [
        kill_worker,
        kill_engine,
        kill_launcher,
        drain_worker,
        lose_broker,
        kill_web,
        crash_postgres,
    ],
)
def test_every_run_ends_once_and_right(
    stack: Stack,
    undisturbed: Run,
    fault: Callable[[Stack], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    stack.wait_until_ready()
    verdict = asyncio.run(
        strike(
            stack,
            fault,
            name=fault.__name__.replace("_", " "),
            prompt=PROMPT,
            streams=STREAMS,
            tokens=TOKENS,
            undisturbed=undisturbed,
        )
    )

    with capsys.disabled():
        print(f"\n  {verdict.line}")
    assert (verdict.runs, verdict.lost, verdict.duplicates, verdict.different) == (STREAMS, 0, 0, 0)
