"""Requests wait in order for a place, and a stream gives its place back."""

from __future__ import annotations

import asyncio

import pytest

from portal.platform.core.concurrency_limit import ConcurrencyLimit, Message, Receive, Scope, Send

START: Message = {"type": "http.response.start", "status": 200, "headers": []}


class Site:
    """An application whose every request goes on when the test says so."""

    def __init__(self) -> None:
        self.inside: list[str] = []
        self.gates: dict[str, asyncio.Event] = {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        name = scope["path"]
        self.inside.append(name)
        if name == "/broken":
            raise ValueError("broken")
        gate = self.gates[name] = asyncio.Event()
        await gate.wait()
        gate.clear()
        await send(START)
        await gate.wait()

    def go_on(self, name: str) -> None:
        self.gates[name].set()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(10):
        await asyncio.sleep(0)


def ask(limit: ConcurrencyLimit, path: str, scope_type: str = "http") -> asyncio.Task[None]:
    async def receive() -> Message:
        return {}

    async def send(message: Message) -> None:
        assert message == START

    async def run() -> None:
        await limit({"type": scope_type, "path": path}, receive, send)

    return asyncio.create_task(run())


async def test_the_third_waits_until_a_response_begins() -> None:
    site = Site()
    limit = ConcurrencyLimit(site, places=2)
    tasks = [ask(limit, path) for path in ("/1", "/2", "/3", "/4")]
    await settle()
    assert site.inside == ["/1", "/2"]

    site.go_on("/2")
    await settle()
    assert site.inside == ["/1", "/2", "/3"]
    assert not tasks[1].done()

    # The end of the stream gives no second place back.
    site.go_on("/2")
    await tasks[1]
    await settle()
    assert site.inside == ["/1", "/2", "/3"]

    site.go_on("/1")
    await settle()
    assert site.inside == ["/1", "/2", "/3", "/4"]
    for task in tasks:
        task.cancel()


async def test_a_request_that_fails_or_is_given_up_frees_its_place() -> None:
    site = Site()
    limit = ConcurrencyLimit(site, places=1)
    with pytest.raises(ValueError, match="broken"):
        await ask(limit, "/broken")
    first, waiting, last = (ask(limit, path) for path in ("/1", "/2", "/3"))
    await settle()
    waiting.cancel()
    first.cancel()
    await settle()

    assert site.inside == ["/broken", "/1", "/3"]
    last.cancel()


async def test_what_is_not_http_passes() -> None:
    site = Site()
    limit = ConcurrencyLimit(site, places=1)
    tasks = [ask(limit, "/1"), ask(limit, "/2", scope_type="lifespan")]
    await settle()

    assert site.inside == ["/1", "/2"]
    for task in tasks:
        task.cancel()
