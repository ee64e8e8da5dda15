"""The record of downloads: true bytes, ends in the middle, wholes, erasure, close-outs."""

from __future__ import annotations

import asyncio
import http.client
import socket
from collections.abc import Callable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone

from portal.desk.privacy.domain.erasure import erase_person
from portal.gate.access.models import Grant
from portal.gate.keys.models import ApiKey
from portal.gate.renewals.domain.holdings import list_holdings
from portal.library.weights.domain.fetching import Part, begin_download, end_download
from portal.library.weights.domain.holdings import find_progress, list_fetched
from portal.library.weights.hub import delivery
from portal.library.weights.models import Download, File, Revision
from portal.platform.accounts.models import User
from portal.platform.audit.models import AuditEvent
from tests.factories.keys import ApiKeyFactory
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key

LARGE = 48 * 2**20
BUFFERS = 12 * 2**20
"""What a socket's two ends hold at most, with a piece that is being sent."""


class Reader:
    """A client that reads as much as the test tells it to."""

    def __init__(self, site: str, path: str, key: str) -> None:
        parts = urlsplit(site)
        self._connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=20)
        self._connection.connect()
        self._connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2**16)
        self._connection.request("GET", path, headers={"Authorization": f"Bearer {key}"})
        self._response = self._connection.getresponse()
        self.status = self._response.status

    def read(self, most: int) -> int:
        """Read so many bytes, or those that come; returns their number."""
        got = 0
        while got < most and (piece := self._response.read(min(2**20, most - got))):
            got += len(piece)
        return got

    def read_to_its_end(self) -> int:
        got = 0
        try:
            while piece := self._response.read(2**20):
                got += len(piece)
        except (http.client.IncompleteRead, ConnectionError) as error:
            got += len(getattr(error, "partial", b""))
        return got

    def close(self) -> None:
        self._connection.close()


def _prepare() -> tuple[str, User]:
    revision = make_revision(None, {"large.dat": bytes(LARGE), "b.dat": b"b"})
    holder = make_holder(revision.repository.model)
    return make_key(holder), holder


async def wait_for(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not await in_thread(condition):  # noqa: ASYNC110 -- a row of another process
            await asyncio.sleep(0.02)


PATH = "/hub/family/tiny/resolve/main/large.dat"


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
async def test_a_client_that_leaves_is_charged_what_it_got() -> None:
    key, _ = await in_thread(_prepare)
    async with serve(http="portal.platform.core.http_protocol:PatientProtocol") as site:
        reader = await asyncio.to_thread(Reader, site, PATH, key)
        got = await asyncio.to_thread(reader.read, 20 * 2**20)
        await asyncio.to_thread(reader.close)
        await wait_for(lambda: Download.objects.exclude(ended_at=None).exists())

    download = await Download.objects.aget()
    assert got == 20 * 2**20
    assert got <= download.sent < got + BUFFERS < download.length == LARGE


@pytest.mark.django_db(transaction=True)
@pytest.mark.usefixtures("valkey")
async def test_a_revoked_grant_ends_a_stream_and_refuses_the_next(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(delivery, "NOTE_SECONDS", 0.0)
    key, _ = await in_thread(_prepare)
    async with serve(http="portal.platform.core.http_protocol:PatientProtocol") as site:
        reader = await asyncio.to_thread(Reader, site, PATH, key)
        got = await asyncio.to_thread(reader.read, 2**20)
        await in_thread(lambda: Grant.objects.update(state="revoked"))
        got += await asyncio.to_thread(reader.read_to_its_end)
        await wait_for(lambda: Download.objects.exclude(ended_at=None).exists())
        after = await asyncio.to_thread(Reader, site, PATH, key)
        await asyncio.to_thread(reader.close)
        await asyncio.to_thread(after.close)

    download = await Download.objects.aget()
    assert 2**20 <= got <= download.sent < 2**20 + BUFFERS
    assert after.status == 403


@pytest.fixture
def revision(db: None) -> Revision:
    return make_revision(
        None, {"a.dat": bytes(100), "b.dat": bytes(50), "empty.dat": b"", "card.json": b"{}"}
    )


@pytest.fixture
def holder(revision: Revision) -> User:
    return make_holder(revision.repository.model)


def fetch(user: User, file: File, first: int, length: int, *, sent: int | None = None) -> Download:
    key = ApiKeyFactory.create(user=user)
    at = timezone.now()
    download = begin_download(key, file.revision, file, Part(first, length), tool="hf", at=at)
    end_download(download, sent=length if sent is None else sent)
    return download


@pytest.fixture
def files(revision: Revision) -> dict[str, File]:
    return {file.path: file for file in revision.files.select_related("revision__repository")}


def whole(user: User, revision: Revision) -> tuple[int, int, int]:
    (fetched,) = list_fetched([(user.pk, revision.pk)])
    return fetched.whole_files, fetched.files, fetched.sent


def test_a_file_is_whole_when_its_ranges_cover_it(
    revision: Revision, holder: User, files: dict[str, File]
) -> None:
    fetch(holder, files["a.dat"], 0, 100, sent=60)
    fetch(holder, files["a.dat"], 50, 20, sent=5)
    before = whole(holder, revision), find_progress(holder, revision)
    fetch(holder, files["a.dat"], 61, 39)
    with_gap = whole(holder, revision), find_progress(holder, revision)
    fetch(holder, files["a.dat"], 60, 1)
    fetch(holder, files["empty.dat"], 0, 0)

    a = files["a.dat"].pk
    assert before == ((0, 3, 65), {a: 60})
    assert with_gap == ((0, 3, 104), {a: 99})
    assert whole(holder, revision) == (2, 3, 105)
    assert find_progress(holder, revision) == {a: 100, files["empty.dat"].pk: 0}


def test_one_event_for_each_person_and_revision(
    revision: Revision, holder: User, files: dict[str, File]
) -> None:
    other = make_holder(revision.repository.model)
    downloads = [fetch(holder, files[name], 0, 1) for name in ("a.dat", "b.dat", "a.dat")]
    fetch(other, files["a.dat"], 0, 1)

    first, second = AuditEvent.objects.filter(tag="weights.revision.fetched").order_by("id")
    assert (first.actor, second.actor) == (holder, other)
    assert first.subject == f"weights:{revision.commit}"
    assert first.data == {
        "grant": downloads[0].grant_id,
        "key": ApiKey.objects.get(downloads=downloads[0]).lookup,
        "revision": "family/tiny v1",
    }


def test_a_close_out_names_what_was_fetched(
    revision: Revision, holder: User, files: dict[str, File], client: Client
) -> None:
    second = make_revision(revision.repository.model, {"c.dat": bytes(7)}, folder="two")
    make_revision(revision.repository.model, {"never.dat": bytes(7)}, folder="three")
    grant = Grant.objects.get(user=holder)
    other = Grant.objects.get(user=make_holder(revision.repository.model))
    fetch(holder, files["b.dat"], 0, 50)
    fetch(holder, second.files.get(), 0, 7)

    found = list_holdings([grant, other])

    assert [
        (each.revision, each.commit, each.whole_files, each.files, each.bytes)
        for each in found[grant.pk]
    ] == [("v2", second.commit, 1, 1, 7), ("v1", revision.commit, 1, 3, 50)]
    assert found[other.pk] == []
    Grant.objects.filter(pk=grant.pk).update(ends_at=timezone.now() - timedelta(hours=1))
    client.force_login(holder)
    page = client.get(f"/access/grants/{grant.pk}/statement/").content.decode()
    assert page.count("1 of 3 files whole, 50 bytes sent") == 1


def test_an_erased_person_keeps_only_a_number(holder: User, files: dict[str, File]) -> None:
    download = fetch(holder, files["a.dat"], 0, 100)

    erase_person(holder, actor=None)

    download.refresh_from_db()
    assert (download.tool, download.sent, download.user_id) == ("", 100, holder.pk)
