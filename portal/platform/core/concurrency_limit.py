"""Start no more database work than there are connections; the rest waits in order.

A hundred requests at once would compete for the interpreter and for the pool's connections, and
the last ones would fail after its time-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar
from weakref import WeakKeyDictionary

T = TypeVar("T")


async def in_place(
    work: Callable[[], Awaitable[T]], *, places: int, unread: Callable[[T], object] | None = None
) -> T:
    """Await `work` once one of the event loop's `places` is free.

    Work that has begun keeps its place until it ends, even if its client leaves; its result is
    then passed to `unread`.
    """
    place = places_of_loop(places)
    await place.acquire()
    working = asyncio.ensure_future(work())
    working.add_done_callback(lambda _: place.release())
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        if unread is not None:
            working.add_done_callback(lambda done: done.exception() or unread(done.result()))
        raise


def places_of_loop(count: int) -> asyncio.Semaphore:
    """The places of the running event loop, shared by all users of the database."""
    loop = asyncio.get_running_loop()
    if loop not in _semaphores:
        _semaphores[loop] = asyncio.Semaphore(count)
    return _semaphores[loop]


_semaphores: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
