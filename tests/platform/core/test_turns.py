"""Heavy work waits in turns between people, and never in the event loop."""

from __future__ import annotations

import asyncio
import threading

import pytest

from portal.platform.core.turns import AT_A_TIME, Turns, in_turn
from tests.inference_workers.conftest import wait_until


async def settle() -> None:
    """Let every task continue as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


async def queue(turns: Turns, *people: str) -> tuple[list[str], list[asyncio.Task[None]]]:
    """The order of the people's turns, and the tasks that wait for them."""
    order: list[str] = []

    async def come(person: str) -> None:
        await turns.wait(person)
        order.append(person)

    tasks = [asyncio.create_task(come(person)) for person in people]
    await settle()
    return order, tasks


async def test_one_persons_thousandth_is_not_before_anothers_first() -> None:
    turns = Turns(1)
    order, tasks = await queue(turns, "ada", "ada", "ada", "ada", "bob", "cy", "bob")

    for _ in tasks:
        turns.pass_on()
        await settle()

    assert order == ["ada", "ada", "bob", "cy", "ada", "bob", "ada"]


async def test_who_goes_away_keeps_nobody_waiting() -> None:
    turns = Turns(1)
    order, tasks = await queue(turns, "ada", "bob", "cy")

    tasks[1].cancel()
    turns.pass_on()
    await settle()

    assert order == ["ada", "cy"]


async def test_a_turn_that_comes_as_its_person_goes_is_passed_on() -> None:
    turns = Turns(1)
    order, tasks = await queue(turns, "ada", "bob", "cy")

    turns.pass_on()
    tasks[1].cancel()
    await settle()

    assert order == ["ada", "cy"]


async def test_no_more_work_at_a_time_however_many_ask_and_leave() -> None:
    may_end = threading.Event()
    begun: list[int] = []

    def work() -> None:
        begun.append(threading.get_ident())
        assert may_end.wait(10)

    tasks = [asyncio.create_task(in_turn("ada", work)) for _ in range(AT_A_TIME + 3)]
    await wait_until(lambda: len(begun) == AT_A_TIME)
    # The work of a client that disconnected continues, and still counts.
    for task in tasks[:AT_A_TIME]:
        task.cancel()
    await settle()
    assert len(begun) == AT_A_TIME
    may_end.set()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(begun) == AT_A_TIME + 3


async def test_what_the_work_raises_is_raised_and_the_turn_passed_on() -> None:
    def fail() -> None:
        raise LookupError

    for _ in range(AT_A_TIME + 1):
        with pytest.raises(LookupError):
            await in_turn("ada", fail)

    assert await in_turn("ada", lambda: 42) == 42
