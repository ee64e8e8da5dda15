"""How often the board looks."""

from __future__ import annotations

import asyncio
from uuid import uuid4

from portal.lab.jobs.stream.board import JobBoard


async def test_only_the_last_one_to_leave_wakes_the_board() -> None:
    board = JobBoard()
    async with board.watch(uuid4(), deployment="opt-125m"):
        async with board.watch(uuid4(), deployment="opt-125m"):
            board._soon.clear()
        woken = [board._soon.is_set()]
    woken.append(board._soon.is_set())

    assert woken == [False, True]
    # Without readers the board's task ends without a look.
    async with asyncio.timeout(5):
        while board._task is not None:  # noqa: ASYNC110 -- the board signals no one
            await asyncio.sleep(0)
