"""Work that needs a core for a while: outside the event loop, little at a time, people in turns.

It uses no database: a request that waits or works here holds no connection.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Hashable
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import Final, TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")
AT_A_TIME: Final = 1
"""Per process; the event loop and the database's threads need the interpreter as well."""


class Turns:
    """The turns of one event loop, which go from one waiting person to the next."""

    def __init__(self, at_a_time: int) -> None:
        self._free = at_a_time
        self._waiting: dict[Hashable, deque[asyncio.Future[None]]] = {}
        """By person; the first is next."""

    async def wait(self, person: Hashable) -> None:
        """Wait until it is the person's turn; afterwards the caller must `pass_on`."""
        if self._free:
            self._free -= 1
            return
        turn = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(person, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.pass_on()
            raise

    def pass_on(self) -> None:
        """Give the turn to the next person."""
        while self._waiting:
            person = next(iter(self._waiting))
            own = self._waiting.pop(person)
            turn = own.popleft()
            if own:
                self._waiting[person] = own
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


async def in_turn(person: Hashable, work: Callable[[], T]) -> T:
    """Call `work` in a thread when it is the person's turn, and return its result.

    A turn lasts as long as the work, even if nobody waits for it any more.
    """
    loop = asyncio.get_running_loop()
    if loop not in _turns:
        _turns[loop] = Turns(AT_A_TIME)
    turns = _turns[loop]
    await turns.wait(person)
    working = loop.run_in_executor(_THREADS, copy_context().run, work)
    working.add_done_callback(lambda _: turns.pass_on())
    return await asyncio.shield(working)


_THREADS: Final = ThreadPoolExecutor(AT_A_TIME, thread_name_prefix="turn")
_turns: WeakKeyDictionary[asyncio.AbstractEventLoop, Turns] = WeakKeyDictionary()
