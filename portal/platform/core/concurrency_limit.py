"""Let no more requests in than there are database connections; the others wait in order.

Django gives every request a thread of its own. A hundred at once would fight for the
interpreter and for the pool's connections, and the last ones would fail after its time-out.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Any
from weakref import WeakKeyDictionary

Scope = dict[str, Any]
Message = Mapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Application = Callable[[Scope, Receive, Send], Awaitable[None]]


class ConcurrencyLimit:
    """An ASGI application in front of another.

    A request counts until its response begins: what streams after that holds no connection.
    """

    def __init__(self, application: Application, *, places: int) -> None:
        self._application = application
        self._places = places

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._application(scope, receive, send)
            return
        place = _Place(places(self._places))

        async def send_and_leave(message: Message) -> None:
            if message["type"] == "http.response.start":
                place.leave()
            await send(message)

        await place.enter()
        try:
            await self._application(scope, receive, send_and_leave)
        finally:
            place.leave()


class _Place:
    """One request's place, left once however often it is said."""

    def __init__(self, semaphore: asyncio.Semaphore) -> None:
        self._semaphore = semaphore
        self._is_inside = False

    async def enter(self) -> None:
        await self._semaphore.acquire()
        self._is_inside = True

    def leave(self) -> None:
        if self._is_inside:
            self._is_inside = False
            self._semaphore.release()


def places(count: int) -> asyncio.Semaphore:
    """The places of the running event loop, which all that use the database share."""
    loop = asyncio.get_running_loop()
    if loop not in _semaphores:
        _semaphores[loop] = asyncio.Semaphore(count)
    return _semaphores[loop]


_semaphores: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()
