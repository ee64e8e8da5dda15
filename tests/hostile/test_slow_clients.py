"""Clients that send slowly or too much do not hold up others."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import httpx2
import pytest
from django.conf import settings as site
from pytest_django import Settings

from demo.place import ROOT, Place
from demo.programs import site_programs
from portal.gate.keys.domain.text import make_text
from portal.lab.batches.models import StoredFile
from portal.platform.accounts.models import User
from portal.platform.core import http_protocol
from portal.platform.core.concurrency_limit import places_of_loop
from tests.factories.accounts import UserFactory
from tests.factories.jobs import make_researcher
from tests.factories.keys import ApiKeyFactory
from tests.lab.playground.sse import in_thread, serve

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("valkey")]

SECONDS = 20.0
"""Longer than any response takes, so that a hang fails."""
PROTOCOL = "portal.platform.core.http_protocol:PatientProtocol"
LOGIN = "/account/login/"
UPLOAD = "multipart/form-data; boundary=x"


@pytest.fixture
async def address() -> AsyncIterator[str]:
    async with serve(http=PROTOCOL) as url:
        yield url


@dataclass
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        error: dict[str, Any] = json.loads(self.body)["error"]
        return error


class Connection:
    """A client that sends only what the test tells it to."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def send(self, data: bytes) -> None:
        self._writer.write(data)
        await self._writer.drain()

    async def begin(self, path: str, **headers: str | int) -> None:
        """The head of a POST."""
        given = {"Host": "testserver", **headers}
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in given.items()]
        await self.send("\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode())

    async def read(self) -> Answer:
        async with asyncio.timeout(SECONDS):
            head = (await self._reader.readuntil(b"\r\n\r\n")).decode()
            status, *lines = head.strip().split("\r\n")
            headers = dict(line.lower().split(": ", 1) for line in lines)
            body = await self._reader.readexactly(int(headers.get("content-length", "0")))
        return Answer(int(status.split()[1]), headers, body)

    async def is_closed(self) -> bool:
        """True once the site has closed it."""
        async with asyncio.timeout(SECONDS):
            return await self._reader.read() == b""


@asynccontextmanager
async def connect(address: str) -> AsyncIterator[Connection]:
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        yield Connection(reader, writer)
    finally:
        writer.close()


async def ask(address: str, path: str, **options: Any) -> int:
    """The status of an ordinary request."""
    async with httpx2.AsyncClient(base_url=address, timeout=SECONDS) as client:
        return (await client.request(options.pop("method", "GET"), path, **options)).status_code


def limit(settings: Settings, prefix: str, **changes: Any) -> None:
    settings.REQUEST_BODIES = tuple(
        (name, replace(kind, **changes) if name == prefix else kind)
        for name, kind in site.REQUEST_BODIES
    )


async def key_of(user: User) -> str:
    text = make_text()
    await in_thread(ApiKeyFactory.create, user=user, lookup=text.lookup, digest=text.digest)
    return text.whole


async def test_bodies_that_do_not_come_stop_nobody(address: str) -> None:
    async with AsyncExitStack() as stack:
        for _ in range(site.REQUESTS_AT_A_TIME + 3):
            slow = await stack.enter_async_context(connect(address))
            await slow.begin(LOGIN, Content_Length=100)
            await slow.send(b"x")

        assert [
            await ask(address, path) for path in ("/healthz", "/models/", "/v1/models", LOGIN)
        ] == [200, 200, 401, 200]


async def test_what_watches_the_site_waits_for_no_place(address: str) -> None:
    semaphore = places_of_loop(site.REQUESTS_AT_A_TIME)
    for _ in range(site.REQUESTS_AT_A_TIME):
        await semaphore.acquire()

    assert [await ask(address, path) for path in ("/healthz", "/readyz", "/metrics")] == [
        200,
        200,
        404,
    ]


@pytest.mark.parametrize("size", [400 * 2**20, 100])
async def test_a_key_is_refused_before_the_body(
    address: str, size: int, settings: Settings
) -> None:
    limit(settings, "/v1/files", bytes=500 * 2**20)
    for key in ("", "Bearer gh_misspelt", f"Bearer {make_text().whole}", "Basic eDp4"):
        async with connect(address) as client:
            headers = {"Authorization": key} if key else {}
            await client.begin("/v1/files", Content_Type=UPLOAD, Content_Length=size, **headers)
            answer = await client.read()

        assert (answer.status, answer.error["code"]) == (401, "invalid_api_key"), key
        assert answer.headers["connection"] == "close"
        assert answer.headers["x-request-id"]


async def test_a_client_that_waits_to_be_told_to_go_on_is_not_told(address: str) -> None:
    async with connect(address) as client:
        await client.begin("/v1/files", Content_Length=2**20, Expect="100-continue")

        assert (await client.read()).status == 401


async def test_a_client_that_sends_on_can_read_its_refusal(address: str) -> None:
    async with httpx2.AsyncClient(base_url=address, timeout=SECONDS) as client:
        answer = await client.post("/v1/files", files={"file": b"x" * 5 * 2**20})

    assert answer.status_code == 401


@pytest.mark.parametrize("accept", ["text/html", "application/json"])
async def test_the_sign_in_page_takes_little(address: str, accept: str) -> None:
    async with connect(address) as declared, connect(address) as counted:
        await declared.begin(LOGIN, Accept=accept, Content_Length=10**9)
        await counted.begin(LOGIN, Accept=accept, Transfer_Encoding="chunked")
        for _ in range(5):
            await counted.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        answers = [await declared.read(), await counted.read()]

    assert [answer.status for answer in answers] == [413, 413]
    for answer in answers:
        if accept == "application/json":
            assert answer.error == {
                "code": "request_too_large",
                "message": "The request has more than 65,536 bytes, the limit for this address. "
                "Shorten what you wrote.",
            }
        else:
            assert "65,536 bytes" in answer.body.decode()
            assert "content-security-policy" in answer.headers


async def test_the_api_counts_what_comes_in_pieces(address: str, settings: Settings) -> None:
    limit(settings, "/v1/", bytes=100_000)
    key = await key_of(await in_thread(UserFactory.create))
    async with connect(address) as client:
        await client.begin(
            "/v1/completions", Authorization=f"Bearer {key}", Transfer_Encoding="chunked"
        )
        for _ in range(7):
            await client.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        answer = await client.read()

    assert (answer.status, answer.error["code"]) == (413, "request_too_large")
    assert "100,000 bytes" in answer.error["message"]


async def test_a_body_that_drips_ends_at_its_time(address: str, settings: Settings) -> None:
    limit(settings, LOGIN[:9], seconds=0.3)
    async with connect(address) as client:
        await client.begin(LOGIN, Accept="application/json", Content_Length=60_000)
        reading = asyncio.create_task(client.read())
        while not reading.done():
            await client.send(b"x")
            await asyncio.wait([reading], timeout=0.01)

    assert (reading.result().status, reading.result().error["code"]) == (408, "request_timeout")


async def test_of_too_many_slow_bodies_the_oldest_ends(address: str, settings: Settings) -> None:
    limit(settings, LOGIN[:9], at_once=2)
    async with AsyncExitStack() as stack:
        oldest, *others = [await stack.enter_async_context(connect(address)) for _ in range(4)]
        for client in (oldest, *others[:2]):
            await client.begin(LOGIN, Content_Length=4)
            await client.send(b"a")

        assert (await oldest.read()).status == 408
        for client in others[:2]:
            await client.send(b"b=c")
        # Without a CSRF token, so the page refuses these.
        assert [(await client.read()).status for client in others[:2]] == [403, 403]


async def test_one_persons_slow_bodies_end_nobody_elses(address: str, settings: Settings) -> None:
    limit(settings, "/v1/", at_once=1)
    keys = [await key_of(await in_thread(UserFactory.create)) for _ in range(2)]
    async with AsyncExitStack() as stack:
        clients = [await stack.enter_async_context(connect(address)) for _ in range(3)]
        for key, client in zip([keys[0], keys[1], keys[0]], clients, strict=True):
            headers = {"Authorization": f"Bearer {key}", "Content_Type": "application/json"}
            await client.begin("/v1/tokenize", Content_Length=2, **headers)

        # The request whose key is looked up first is first, which two threads decide.
        reading = {asyncio.create_task(client.read()): client for client in clients}
        (ended,), _ = await asyncio.wait(reading, return_when=asyncio.FIRST_COMPLETED)
        assert ended.result().status == 408
        assert reading.pop(ended) is not clients[1]
        for client in reading.values():
            await client.send(b"{}")
        answers = await asyncio.gather(*reading)
        assert [answer.error["message"] for answer in answers] == ["model is missing."] * 2


async def test_a_large_upload_comes_through_whole(address: str) -> None:
    user, _ = await in_thread(make_researcher)
    line = json.dumps({"custom_id": "x" * 1000}).encode()
    content = b"\n".join([line] * 3000)
    async with httpx2.AsyncClient(base_url=address, timeout=SECONDS) as client:
        answer = await client.post(
            "/v1/files",
            headers={"Authorization": f"Bearer {await key_of(user)}"},
            data={"purpose": "batch"},
            files={"file": content},
        )

    assert (answer.status_code, answer.json()["bytes"]) == (200, len(content))
    assert (await in_thread(StoredFile.objects.get)).size == len(content)


def test_the_site_is_started_with_the_patient_protocol() -> None:
    place = Place(var=ROOT / "var")
    commands = [program.command for program in site_programs(place, {}, {}, port=1, deployment="")]
    image = json.loads((ROOT / "docker/web.Dockerfile").read_text().rpartition("\nCMD ")[2])

    assert [command[command.index("--http") + 1] for command in (commands[0], image)] == [
        PROTOCOL,
        PROTOCOL,
    ]


async def test_half_a_head_is_not_waited_for(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async with connect(address) as again:
        await again.send(b"GET /healthz HTTP/1.1\r\nHost: testserver\r\n\r\n")
        assert (await again.read()).status == 200
        monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 0.1)
        await again.send(b"GET /")
        assert await again.is_closed()
    async with connect(address) as silent, connect(address) as half:
        await half.send(b"GET /healthz HTTP/1.1\r\nHost: test")

        assert await half.is_closed()
        assert await silent.is_closed()


async def test_a_head_without_end_is_refused(address: str) -> None:
    async with connect(address) as client:
        await client.send(b"GET /healthz HTTP/1.1\r\n" + b"X-More: more\r\n" * 6000)

        assert (await client.read()).status == 400
        assert await client.is_closed()
