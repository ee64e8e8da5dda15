"""Work at the database waits in order for a place, and keeps it to its end."""

from __future__ import annotations

import asyncio

import pytest

from portal.platform.core.concurrency_limit import in_place


class Database:
    """Work that ends when the test says so."""

    def __init__(self) -> None:
        self.begun: list[str] = []
        self.unread: list[str] = []
        self._ends: dict[str, asyncio.Event] = {}

    def use(self, name: str, *, places: int) -> asyncio.Task[str]:
        async def work() -> str:
            self.begun.append(name)
            if name == "broken":
                raise ValueError("broken")
            end = self._ends[name] = asyncio.Event()
            await end.wait()
            return name

        return asyncio.ensure_future(in_place(work, places=places, unread=self.unread.append))

    async def end(self, name: str) -> None:
        self._ends[name].set()
        await settle()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_the_third_waits_for_one_of_two_places() -> None:
    database = Database()
    first, *others = [database.use(name, places=2) for name in ("1", "2", "3", "4")]
    await settle()
    assert database.begun == ["1", "2"]

    await database.end("1")
    assert (await first, database.begun) == ("1", ["1", "2", "3"])

    await database.end("3")
    await database.end("2")
    await database.end("4")
    assert [await task for task in others] == ["2", "3", "4"]


async def test_work_that_fails_and_a_client_that_no_longer_waits_free_their_place() -> None:
    database = Database()
    with pytest.raises(ValueError, match="broken"):
        await database.use("broken", places=1)
    first, waiting, last = [database.use(name, places=1) for name in ("1", "2", "3")]
    await settle()
    waiting.cancel()
    await database.end("1")

    assert (await first, database.begun) == ("1", ["broken", "1", "3"])
    await database.end("3")
    assert (await last, database.unread) == ("3", [])


async def test_work_that_has_begun_keeps_its_place_when_its_client_leaves() -> None:
    database = Database()
    left, waiting = [database.use(name, places=1) for name in ("1", "2")]
    await settle()
    left.cancel()
    await settle()
    assert (left.cancelled(), database.begun) == (True, ["1"])

    await database.end("1")
    assert (database.unread, database.begun) == (["1"], ["1", "2"])
    await database.end("2")
    assert await waiting == "2"
