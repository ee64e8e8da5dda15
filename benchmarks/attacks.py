"""The attacks of `benchmarks.hostile`: each runs in its own process until it is killed.

An attack is one coroutine in `ATTACKS`. It ignores the site's responses.
"""

from __future__ import annotations

import asyncio
import json
import multiprocessing
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Final

import httpx2

from benchmarks.keys import MODEL
from demo.place import ROOT, Place

PATIENCE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 0.5
DRIP_SECONDS: Final = 1.5
SLOW_CLIENTS: Final = 100
"""22 are enough to fill all slots of a process that reserves one when a request begins."""
SLOW_ENDPOINTS: Final = 8
"""As many as a portal worker has threads."""


@dataclass(frozen=True)
class Victim:
    """What an attacker knows: the address, and a key that a person may have.

    `environment` is the site's, for the steps that an operator would have to do for an attacker.
    """

    url: str
    key: str
    environment: Mapping[str, str]

    def client(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            base_url=self.url,
            headers={"Authorization": f"Bearer {self.key}"},
            timeout=PATIENCE_SECONDS,
        )


@dataclass(frozen=True)
class Attack:
    """An attack, as its label and as a coroutine that does not end."""

    words: str
    run: Callable[[Victim], Awaitable[None]]


@contextmanager
def attacking(name: str, victim: Victim) -> Iterator[None]:
    """Run the attack during the block; ends the program if the attack ended."""
    process = multiprocessing.get_context("spawn").Process(target=_attack, args=(name, victim))
    process.start()
    try:
        yield
        if not process.is_alive():
            raise SystemExit(f"the attack {name} ended too early")
    finally:
        process.kill()
        process.join()


def _attack(name: str, victim: Victim) -> None:
    async def run() -> None:
        await ATTACKS[name].run(victim)

    asyncio.run(run())


async def send_bodies_slowly(victim: Victim) -> None:
    """Headers and one byte of a body, to the sign-in page and the API in turn."""
    url = httpx2.URL(victim.url)

    async def hold(path: str) -> None:
        while True:
            reader, writer = await asyncio.open_connection(url.host, url.port)
            head = f"POST {path} HTTP/1.1\r\nHost: {url.host}\r\nContent-Length: 100\r\n\r\nx"
            with suppress(OSError):
                writer.write(head.encode())
                await reader.read()
            writer.close()

    paths = ("/account/login/", "/v1/completions")
    await asyncio.gather(*(hold(paths[number % 2]) for number in range(SLOW_CLIENTS)))


async def drip_webhook_answers(victim: Victim) -> None:
    """Endpoints that have many events waiting, and respond one byte every 1.5 s."""

    async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            writer.write(b"HTTP/1.1 200 OK\r\nX-More: ")
            while True:
                writer.write(b"x")
                await writer.drain()
                await asyncio.sleep(DRIP_SECONDS)

    async with await asyncio.start_server(drip, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        maker = await asyncio.create_subprocess_exec(
            Place().python, "-m", "benchmarks.webhook_endpoints",
            str(SLOW_ENDPOINTS), f"http://127.0.0.1:{port}/", env=victim.environment, cwd=ROOT,
        )  # fmt: skip
        if await maker.wait():
            raise SystemExit("the webhook endpoints could not be created")
        await server.serve_forever()


async def send_bad_rows(victim: Victim) -> None:
    """Batches of one row that is nested too deep for Python's JSON, and one good row."""
    good = {"model": MODEL, "prompt": "Write", "max_tokens": 4}
    row: dict[str, Any] = {"custom_id": "1", "method": "POST", "url": "/v1/completions"}
    deep = json.dumps({**row, "body": {**good, "user": 0}})
    deep = deep.replace('"user": 0', '"user": ' + "[" * 970 + "]" * 970)
    rows = f"{deep}\n{json.dumps({**row, 'custom_id': '2', 'body': good})}\n"
    async with victim.client() as client:

        async def send() -> None:
            file = await client.post(
                "/v1/files", data={"purpose": "batch"}, files={"file": rows.encode()}
            )
            if file.is_success:
                body = {"input_file_id": file.json()["id"], "endpoint": "/v1/completions"}
                await client.post("/v1/batches", json={**body, "completion_window": "24h"})

        await _repeat(send)


async def tokenize_much(victim: Victim) -> None:
    """Eight simultaneous texts of 1 MB."""
    body = {"model": MODEL, "prompt": "word " * 200_000}
    async with victim.client() as client:
        await _repeat(lambda: client.post("/v1/tokenize", json=body), at_once=8)


async def ask_for_samples_and_leave(victim: Victim) -> None:
    """4 prompts with 128 samples each, disconnected at the first bytes of the response."""
    body = {"model": MODEL, "prompt": ["Write"] * 4, "n": 128, "max_tokens": 200, "stream": True}
    async with victim.client() as client:

        async def ask() -> None:
            async with client.stream("POST", "/v1/completions", json=body) as answer:
                await anext(answer.aiter_bytes(), b"")

        await _repeat(ask)


async def ask_for_large_grammars(victim: Victim) -> None:
    """A schema of 3,000 properties, one that refers to itself, and a pattern of nested counts."""
    properties = {f"p{number}": {"type": "string"} for number in range(3000)}
    structures: tuple[dict[str, Any], ...] = (
        {"json": {"type": "object", "properties": properties, "required": list(properties)}},
        {"json": {"$ref": "#"}},
        {"regex": "((a{1,100}){1,100}){1,100}"},
    )
    body = {"model": MODEL, "prompt": "Write", "max_tokens": 4}
    async with victim.client() as client:

        async def ask(structure: dict[str, Any]) -> None:
            await client.post("/v1/completions", json={**body, "structured_outputs": structure})

        await asyncio.gather(*(_repeat(partial(ask, one)) for one in structures))


async def _repeat(send: Callable[[], Awaitable[object]], *, at_once: int = 1) -> None:
    async def one_after_another() -> None:
        while True:
            with suppress(httpx2.HTTPError):
                await send()
            await asyncio.sleep(PAUSE_SECONDS)

    await asyncio.gather(*(one_after_another() for _ in range(at_once)))


ATTACKS: Final[Mapping[str, Attack]] = {
    "bodies": Attack(f"{SLOW_CLIENTS} request bodies that never arrive", send_bodies_slowly),
    "webhooks": Attack(
        f"{SLOW_ENDPOINTS} webhook endpoints that send a byte every 1.5 s", drip_webhook_answers
    ),
    "rows": Attack("batches with a row nested 970 deep", send_bad_rows),
    "tokenize": Attack("8 simultaneous `/v1/tokenize` calls of 1 MB", tokenize_much),
    "samples": Attack("4 prompts of 128 samples, abandoned immediately", ask_for_samples_and_leave),
    "grammars": Attack("schemas and patterns that compile slowly", ask_for_large_grammars),
}
