"""Parts of the running site die in the middle of runs; every accepted run has one right outcome."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import psutil
import pytest
from playwright.sync_api import Browser

from tests.e2e.browser import DESKTOP, launched_browser
from tests.e2e.runs import Outcome, Runs
from tests.e2e.stack import DemoStack, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.engine]

PROMPT = "A list of the planets:"
TOKENS = 96
MINUTE = 60


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with launched_browser() as chromium:
        yield chromium


@pytest.fixture(scope="module")
def runs(demo_stack: DemoStack, browser: Browser) -> Iterator[Runs]:
    demo_stack.wait_until_the_engine_is_ready()
    context = browser.new_context(viewport=DESKTOP, base_url=demo_stack.url)
    sign_in(context.new_page(), demo_stack.account("researcher"))
    yield Runs(demo_stack, context)
    context.close()


@pytest.fixture(scope="module")
def undisturbed(runs: Runs) -> Outcome:
    """The result of the same greedy run without a fault."""
    (outcome,) = runs.wait_for_outcomes([runs.submit(PROMPT, max_tokens=TOKENS)], seconds=120)
    assert outcome.state == "succeeded"
    assert len(outcome.text) > TOKENS
    return outcome


def kill_inference_worker(stack: DemoStack) -> None:
    _kill(stack.find_process("-A", "inference_workers", "worker"))


def kill_web(stack: DemoStack) -> None:
    _kill(stack.find_process("uvicorn", "portal.config.asgi"))
    stack.wait_until(stack.answers, seconds=MINUTE, what="the site to answer again")


def lose_valkey(stack: DemoStack) -> None:
    stack.valkey.kill()
    stack.valkey.start(wipe=True)


@pytest.mark.parametrize("kill", [kill_inference_worker, kill_web, lose_valkey])
def test_every_accepted_run_ends_once_and_right(
    demo_stack: DemoStack, runs: Runs, undisturbed: Outcome, kill: Callable[[DemoStack], None]
) -> None:
    accepted = [runs.submit(PROMPT, max_tokens=TOKENS) for _ in range(3)]
    for run in accepted:
        runs.wait_until_it_streams(run)

    kill(demo_stack)
    outcomes = runs.wait_for_outcomes(accepted, seconds=MINUTE)

    assert outcomes == [undisturbed] * 3


def _kill(process: psutil.Process) -> None:
    process.kill()
    process.wait(10)
