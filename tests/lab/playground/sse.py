"""The real ASGI application behind a real server, and a reader of its event streams."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, ParamSpec, TypeVar
from uuid import UUID

import httpx2
import uvicorn
from django.db import connections
from django.test import Client

from portal.config.asgi import application
from portal.platform.accounts.models import User

SECONDS = 20.0
P = ParamSpec("P")
T = TypeVar("T")


@dataclass
class Message:
    """One event as it was sent."""

    event: str
    data: dict[str, Any]
    id: str = ""


@dataclass
class Reading:
    """The events that one reader of a stream got."""

    status: int
    headers: dict[str, str]
    messages: list[Message] = field(default_factory=list)
    comments: int = 0

    @property
    def events(self) -> list[str]:
        return [message.event for message in self.messages if message.event != "state"]

    @property
    def text(self) -> str:
        """What a browser would show."""
        text = ""
        for message in self.messages:
            if message.event == "snapshot":
                text = message.data["text"]
            elif message.event == "delta":
                text += message.data["text"]
        return text


@asynccontextmanager
async def serve(http: str = "h11") -> AsyncIterator[str]:
    """The site on a free port of this machine; yields its URL."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(128)
        config = uvicorn.Config(application, log_config=None, lifespan="off", http=http)
        server = uvicorn.Server(config)
        # Not `serve`, which would take the signal handlers over from pytest.
        task = asyncio.create_task(server._serve(sockets=[listener]))
        async with asyncio.timeout(SECONDS):
            while not server.started:  # noqa: ASYNC110 -- uvicorn sets a flag
                await asyncio.sleep(0.01)
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            server.should_exit = True
            server.force_exit = True
            await task


async def in_thread(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Call a function that uses the database, and close the connection."""

    def run() -> T:
        try:
            return call(*args, **kwargs)
        finally:
            connections.close_all()

    return await asyncio.to_thread(run)


async def sign_in(user: User) -> dict[str, str]:
    """The cookies of a signed-in person."""
    return await in_thread(_sign_in, user)


def _sign_in(user: User) -> dict[str, str]:
    client = Client()
    client.force_login(user)
    return {"sessionid": client.session.session_key or ""}


class Reader:
    """Reads one run's events."""

    def __init__(self, site: str, cookies: dict[str, str]) -> None:
        self.site = site
        self.cookies = cookies

    @asynccontextmanager
    async def open(
        self, job_id: UUID, *, last_event_id: str = ""
    ) -> AsyncIterator[tuple[Reading, AsyncIterator[Message]]]:
        headers = {"Accept": "text/event-stream"}
        if last_event_id:
            headers["Last-Event-ID"] = last_event_id
        path = f"/playground/runs/{job_id}/events/"
        async with self._open("GET", path, headers=headers) as opened:
            yield opened

    @asynccontextmanager
    async def open_together(
        self, runs: str
    ) -> AsyncIterator[tuple[Reading, AsyncIterator[Message]]]:
        """Follow runs as the pages of a browser do: over one connection."""
        path = f"/playground/events/?runs={runs}"
        async with self._open("GET", path, headers={"Accept": "text/event-stream"}) as opened:
            yield opened

    @asynccontextmanager
    async def submit(
        self, fields: dict[str, str]
    ) -> AsyncIterator[tuple[Reading, AsyncIterator[Message]]]:
        """Send the editor's form as its script does, and read the response."""
        self.cookies["csrftoken"] = "c" * 32
        accept = "application/json, text/event-stream"
        headers = {"Accept": accept, "X-CSRFToken": self.cookies["csrftoken"]}
        async with self._open("POST", "/playground/runs/", headers=headers, data=fields) as opened:
            yield opened

    @asynccontextmanager
    async def _open(
        self, method: str, path: str, *, headers: dict[str, str], data: dict[str, str] | None = None
    ) -> AsyncIterator[tuple[Reading, AsyncIterator[Message]]]:
        async with (
            httpx2.AsyncClient(cookies=self.cookies, timeout=SECONDS) as client,
            client.stream(method, f"{self.site}{path}", headers=headers, data=data) as response,
        ):
            reading = Reading(response.status_code, dict(response.headers))
            yield reading, _parse(reading, response.aiter_lines())

    async def read(self, job_id: UUID, *, last_event_id: str = "") -> Reading:
        """Everything up to the end of the stream."""
        async with (
            asyncio.timeout(SECONDS),
            self.open(job_id, last_event_id=last_event_id) as (reading, messages),
        ):
            async for _ in messages:
                pass
        return reading


async def read_until(messages: AsyncIterator[Message], event: str) -> Message:
    """The next message of a kind."""
    async with asyncio.timeout(SECONDS):
        async for message in messages:
            if message.event == event:
                return message
    raise AssertionError(f"the stream ended without {event}")


async def _parse(reading: Reading, lines: AsyncIterator[str]) -> AsyncIterator[Message]:
    fields: dict[str, str] = {}
    async for line in lines:
        if line.startswith(":"):
            reading.comments += 1
        elif line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "data" in fields:
            message = Message(fields["event"], json.loads(fields["data"]), fields.get("id", ""))
            reading.messages.append(message)
            fields = {}
            yield message
        else:
            fields = {}
