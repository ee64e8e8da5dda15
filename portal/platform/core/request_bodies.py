"""Reads each request's body before the request continues: nothing scarce waits for a client.

The limits are in settings.REQUEST_BODIES. A small body that arrives immediately costs nothing
extra; for others the sender is identified first.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from tempfile import SpooledTemporaryFile
from typing import IO, Final

from django.conf import settings
from django.core.exceptions import RequestAborted
from django.http import HttpRequest

from portal.platform.core.asgi import Application, Message, Receive, Scope, Send
from portal.platform.core.errors import DomainError
from portal.platform.core.refusals import RefusalCode

AHEAD_BYTES: Final = 64 * 2**10
"""Read from any client and kept in memory; a longer body goes to disk."""
AHEAD_SECONDS: Final = 0.25
LINGER_SECONDS: Final = 2.0
"""How long a client may continue to send after a refusal; many read the response only then."""

Admit = Callable[[Scope], Awaitable[Hashable]]


@dataclass(frozen=True)
class BodyLimit:
    """What one kind of request may send."""

    bytes: int
    seconds: float
    """For the whole body, even if it arrives steadily."""
    at_once: int
    """The most unfinished bodies of one sender; one more ends the oldest."""
    way_out: str


class BodyReader:
    """An ASGI application in front of another, which is called when the body has arrived.

    `admit` returns the sender, or raises `DomainError`; without it all clients are one sender.
    A refused request also goes to the application, without a body: `refusal_of` returns the reason.
    """

    def __init__(self, application: Application, *, admit: Admit | None = None) -> None:
        self._application = application
        self._admit = admit
        self._coming: dict[Hashable, list[asyncio.Timeout]] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not _has_body(scope):
            await self._application(scope, receive, send)
            return
        with SpooledTemporaryFile(AHEAD_BYTES, dir=settings.FILE_UPLOAD_TEMP_DIR) as file:
            try:
                await self._read(scope, _Incoming(receive, file))
            except RequestAborted:
                return
            except DomainError as error:
                await self._refuse(error, scope, receive, send)
                return
            file.seek(0)
            await self._application(scope, BodyReceived(file, receive), send)

    async def _read(self, scope: Scope, incoming: _Incoming) -> None:
        limit = limit_of(scope["path"])
        declared = _declared_bytes(scope)
        if declared > limit.bytes:
            raise too_large(limit)
        if declared <= AHEAD_BYTES:
            with suppress(TimeoutError):
                async with asyncio.timeout(AHEAD_SECONDS):
                    await incoming.read(most=min(AHEAD_BYTES, limit.bytes))
        if not incoming.is_whole and incoming.size <= limit.bytes:
            sender = await self._admit(scope) if self._admit else None
            async with self._wait_in_line(limit, sender):
                await incoming.read(most=limit.bytes)
        if incoming.size > limit.bytes:
            raise too_large(limit)

    @asynccontextmanager
    async def _wait_in_line(self, limit: BodyLimit, sender: Hashable) -> AsyncIterator[None]:
        line = self._coming.setdefault((limit, sender), [])
        try:
            async with asyncio.timeout(limit.seconds) as deadline:
                line.append(deadline)
                if len(line) > limit.at_once and not (first := line.pop(0)).expired():
                    first.reschedule(0)
                yield
        except TimeoutError:
            raise _too_late(limit) from None
        finally:
            if deadline in line:
                line.remove(deadline)
            if not line:
                self._coming.pop((limit, sender), None)

    async def _refuse(self, error: DomainError, scope: Scope, receive: Receive, send: Send) -> None:
        """Respond, and close the connection when the client has had time to read the response."""

        async def send_last(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = [*message["headers"], (b"connection", b"close")]
                await send({**message, "headers": headers})
            elif message.get("more_body", False):
                await send(message)
            else:
                await send({**message, "more_body": True})
                await _discard(receive)
                await send({"type": "http.response.body"})

        with SpooledTemporaryFile() as nothing:
            refused = {**scope, "refusal": error}
            await self._application(refused, BodyReceived(nothing, _never), send_last)


@dataclass(frozen=True)
class BodyReceived:
    """The `receive` of a request whose body is in `file`; it reports only that the client left."""

    file: IO[bytes]
    receive: Receive

    async def __call__(self) -> Message:
        return await self.receive()


class _Incoming:
    """A body on its way into a file."""

    def __init__(self, receive: Receive, file: IO[bytes]) -> None:
        self._receive = receive
        self._file = file
        self.size = 0
        self.is_whole = False

    async def read(self, *, most: int) -> None:
        """Read until it is whole or larger than `most`; raises `RequestAborted`."""
        while not self.is_whole and self.size <= most:
            message = await self._receive()
            if message["type"] == "http.disconnect":
                raise RequestAborted
            piece = message.get("body", b"")
            self._file.write(piece)
            self.size += len(piece)
            self.is_whole = not message.get("more_body", False)


def limit_of(path: str) -> BodyLimit:
    """The limit of the first matching prefix in settings.REQUEST_BODIES."""
    return next(limit for prefix, limit in settings.REQUEST_BODIES if path.startswith(prefix))


def too_large(limit: BodyLimit) -> DomainError:
    """The refusal of a body of more than `limit.bytes`."""
    return DomainError(
        RefusalCode.REQUEST_TOO_LARGE,
        f"The request has more than {limit.bytes:,} bytes, the limit for this address. "
        f"{limit.way_out}",
    )


def refusal_of(request: HttpRequest) -> DomainError | None:
    """Why the request's body was refused; None if it was not."""
    scope: Scope = getattr(request, "scope", {})
    return scope.get("refusal")


def _has_body(scope: Scope) -> bool:
    return any(
        name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
        for name, value in scope["headers"]
    )


def _declared_bytes(scope: Scope) -> int:
    """The length that the client declares; 0 if it declares none."""
    return sum(int(value) for name, value in scope["headers"] if name == b"content-length")


async def _discard(receive: Receive) -> None:
    with suppress(TimeoutError):
        async with asyncio.timeout(LINGER_SECONDS):
            while (await receive()).get("more_body", False):
                pass


async def _never() -> Message:
    return await asyncio.get_running_loop().create_future()  # type: ignore[no-any-return]


def _too_late(limit: BodyLimit) -> DomainError:
    return DomainError(
        RefusalCode.REQUEST_TIMEOUT,
        f"The request did not arrive within {limit.seconds:g} seconds, or you sent more than "
        f"{limit.at_once} slow requests together. Try again.",
    )
