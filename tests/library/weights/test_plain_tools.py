"""curl, wget and aria2, with the commands that the page prints, against the running site."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from shlex import quote
from typing import Any

import pytest
from django.http import HttpResponseRedirect
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.models import Grant
from portal.library.weights.domain.links import address_of, make_links
from portal.library.weights.domain.offer import list_commands, list_link_commands, make_offer
from portal.library.weights.hub import answer, delivery
from portal.library.weights.models import Download, Revision
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.library.weights.programs import find_program

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CURL = "curl, for one file"
KEYED = "One file with curl"
MIB = 2**20
LARGE = os.urandom(4 * MIB)
NAME = "Ç it's $(touch run) & [1-2] {a,b} model.dat"
"""What a shell, a URL and a program's patterns would take for something else."""
FILES = {"config.json": b"{}", f"part one/{NAME}": LARGE}


def _prepare() -> tuple[Revision, dict[str, str]]:
    """The revision, and the page's commands by label; those with a key have one that works."""
    revision = make_revision(None, FILES)
    user, now = make_holder(revision.repository.model), timezone.now()
    base, offer = address_of(make_links(user, revision, at=now)), make_offer(user, revision, at=now)
    commands = {command.label: command.lines for command in list_link_commands(offer, base)}
    (keyed,) = (each for each in list_commands(offer) if each.label == KEYED)
    return revision, {**commands, KEYED: f"HF_TOKEN={make_key(user)}\n{keyed.lines}"}


def make_machine(folder: Path) -> Path:
    """An empty folder, apart from the site's."""
    machine = folder / "machine"
    machine.mkdir()
    return machine


async def start(command: str, folder: Path) -> asyncio.subprocess.Process:
    find_program("curl")
    places = (Path(find_program("aria2c")).parent, os.environ["PATH"])
    return await asyncio.create_subprocess_shell(
        command,
        cwd=folder,
        env={"PATH": os.pathsep.join(map(str, places)), "HOME": os.fspath(folder)},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        start_new_session=True,
    )


async def run(command: str, folder: Path) -> tuple[int, str]:
    process = await start(command, folder)
    out, _ = await process.communicate()
    return process.returncode or 0, out.decode(errors="replace")


@pytest.fixture
def halting(monkeypatch: pytest.MonkeyPatch) -> asyncio.Event:
    """The first stream of the large file stops after 3 MiB; set when it has."""
    stream, reached = delivery.stream_part, asyncio.Event()

    async def stream_and_halt(place: Path, *args: Any) -> AsyncIterator[bytes]:
        count = 0
        async with aclosing(stream(place, *args)) as pieces:  # type: ignore[type-var]  # a generator
            async for piece in pieces:
                yield piece
                count += 1
                if count == 3 and place.name == NAME and not reached.is_set():
                    reached.set()
                    await asyncio.Event().wait()

    monkeypatch.setattr(delivery, "stream_part", stream_and_halt)
    return reached


def holds_a_mebibyte(folder: Path) -> bool:
    return any(file.stat().st_size >= MIB for file in folder.rglob("*model.dat"))


def read_model(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("*model.dat"))


def has_saved_its_progress(folder: Path) -> bool:
    """Whether aria2's control file has a whole piece in its bit field, from byte 34 on."""
    return any(any(file.read_bytes()[34:35]) for file in folder.rglob("*model.dat.aria2"))


@pytest.mark.parametrize(
    ("label", "is_on_disk"),
    [
        (CURL, holds_a_mebibyte),
        (KEYED, holds_a_mebibyte),
        ("wget", holds_a_mebibyte),
        ("aria2", has_saved_its_progress),
    ],
)
async def test_a_killed_download_goes_on_where_it_was(
    label: str,
    is_on_disk: Callable[[Path], bool],
    tmp_path: Path,
    settings: Settings,
    halting: asyncio.Event,
) -> None:
    machine = make_machine(tmp_path)
    async with serve() as site:
        settings.SITE_URL = site
        _, commands = await in_thread(_prepare)
        # Saved every second instead of every ten, so that the test need not wait.
        command = commands[label].replace("interval=10", "interval=1")
        process = await start(command, machine)
        async with asyncio.timeout(30):
            await halting.wait()
            while not is_on_disk(machine):  # noqa: ASYNC110 -- another program
                await asyncio.sleep(0.05)
        os.killpg(process.pid, 9)
        await process.communicate()
        again = await run(command, machine)
        once_more = await run(command, machine)
        checked = await run(commands["Check"], machine)

    assert (again[0], read_model(machine) == LARGE) == (0, True), again
    assert once_more[0] == 0, once_more
    assert label in {CURL, KEYED} or checked[0] == 0, checked
    firsts = Download.objects.order_by("pk").values_list("first_byte", flat=True)
    first, *later = [each async for each in firsts]
    assert (first, any(later)) == (0, True), later


async def test_aria2_notices_a_wrong_byte(
    tmp_path: Path, settings: Settings, weights_dir: Path
) -> None:
    machine = make_machine(tmp_path)
    async with serve() as site:
        settings.SITE_URL = site
        revision, commands = await in_thread(_prepare)
        served = weights_dir / revision.folder / "part one" / NAME
        served.write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
        code, text = await run(commands["aria2"], machine)
        served.write_bytes(LARGE)
        again = await run(commands["aria2"], machine)

    assert code == 32, text
    assert (again[0], read_model(machine) == LARGE) == (0, True), again


async def test_an_ended_link_refuses_with_the_reason(tmp_path: Path, settings: Settings) -> None:
    machine = make_machine(tmp_path)
    async with serve() as site:
        settings.SITE_URL = site
        _, commands = await in_thread(_prepare)
        await in_thread(lambda: Grant.objects.update(state="revoked"))
        texts = [(await run(commands[each], machine))[1] for each in ("wget", "aria2")]
        curl = commands[CURL].replace(f"-fL -C - -o {quote(NAME)}", "-sS")
        texts.append((await run(curl, machine))[1])

    assert all("Your access was revoked. Read why" in text for text in texts), texts
    assert read_model(machine) == b""


async def test_no_command_sends_a_key_to_another_host(
    tmp_path: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    heads: list[bytes] = []

    async def record(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        heads.append((await reader.readuntil(b"\r\n\r\n")).lower())
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nConnection: close\r\n\r\nx")
        await writer.drain()
        writer.close()

    seen = {}
    async with serve() as site, await asyncio.start_server(record, "localhost", 0) as other:
        store = f"http://localhost:{other.sockets[0].getsockname()[1]}/"
        monkeypatch.setattr(answer, "deliver", lambda *_, **__: HttpResponseRedirect(store))
        settings.SITE_URL = site
        _, commands = await in_thread(_prepare)
        for number, label in enumerate(("aria2", "wget", CURL, KEYED)):
            machine = tmp_path / str(number)
            machine.mkdir()
            await run(commands[label], machine)
            seen[label] = (bool(heads), any(b"\nauthorization:" in head for head in heads))
            heads.clear()

    assert seen == dict.fromkeys(("aria2", "wget", CURL, KEYED), (True, False))
