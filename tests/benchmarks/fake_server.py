"""A server that answers each connection with the bytes given for it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class FakeServer:
    """Answers the n-th connection with the n-th of `answers`, and then closes it."""

    answers: Sequence[bytes]
    port: int = 0
    requests: list[str] = field(default_factory=list)

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        length = next(
            (int(line[16:]) for line in head.split("\r\n") if line.startswith("Content-Length: ")),
            0,
        )
        body = await reader.readexactly(length)
        self.requests.append(head + body.decode())
        writer.write(self.answers[len(self.requests) - 1])
        await writer.drain()
        writer.close()


@asynccontextmanager
async def serving(*answers: bytes) -> AsyncIterator[FakeServer]:
    fake = FakeServer(answers)
    server = await asyncio.start_server(fake.answer, "127.0.0.1", 0)
    async with server:
        fake.port = server.sockets[0].getsockname()[1]
        yield fake


def reply(body: bytes, *, status: int = 200) -> bytes:
    """An answer that ends with the connection."""
    return b"HTTP/1.1 %d Any\r\nConnection: close\r\n\r\n%s" % (status, body)


def chunked(*events: bytes) -> bytes:
    """An answer in HTTP/1.1's chunked coding, one event per chunk."""
    chunks = b"".join(b"%x\r\n%s\r\n" % (len(event), event) for event in events)
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + chunks
