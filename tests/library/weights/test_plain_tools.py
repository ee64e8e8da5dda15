"""curl, wget and aria2, with the commands that the page prints, against the running site."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from portal.gate.access.models import Grant
from portal.library.weights.domain.links import address_of, make_links
from portal.library.weights.domain.offer import list_link_commands, make_offer
from portal.library.weights.hub import delivery
from portal.library.weights.models import Download, Revision
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.programs import find_program

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

CURL = "curl, for one file"
MIB = 2**20
LARGE = os.urandom(4 * MIB)
FILES = {"config.json": b"{}", "part one/model.dat": LARGE}


def _prepare() -> tuple[Revision, dict[str, str]]:
    """The revision, and the page's commands by label."""
    revision = make_revision(None, FILES)
    user, now = make_holder(revision.repository.model), timezone.now()
    base = address_of(make_links(user, revision, at=now))
    commands = list_link_commands(make_offer(user, revision, at=now), base)
    return revision, {command.label: command.lines for command in commands}


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
                if count == 3 and place.name == "model.dat" and not reached.is_set():
                    reached.set()
                    await asyncio.Event().wait()

    monkeypatch.setattr(delivery, "stream_part", stream_and_halt)
    return reached


def holds_a_mebibyte(folder: Path) -> bool:
    return any(file.stat().st_size >= MIB for file in folder.rglob("model.dat"))


def read_model(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.rglob("model.dat"))


def has_saved_its_progress(folder: Path) -> bool:
    """Whether aria2's control file has a whole piece in its bit field, from byte 34 on."""
    return any(any(file.read_bytes()[34:35]) for file in folder.rglob("model.dat.aria2"))


@pytest.mark.parametrize(
    ("label", "is_on_disk"),
    [
        (CURL, holds_a_mebibyte),
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
        checked = await run(commands["Check"], machine)

    assert (again[0], read_model(machine) == LARGE) == (0, True), again
    assert label == CURL or checked[0] == 0, checked
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
        served = weights_dir / revision.folder / "part one/model.dat"
        served.write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
        code, text = await run(commands["aria2"], machine)

    assert code == 32, text


async def test_an_ended_link_refuses_with_the_reason(tmp_path: Path, settings: Settings) -> None:
    machine = make_machine(tmp_path)
    async with serve() as site:
        settings.SITE_URL = site
        _, commands = await in_thread(_prepare)
        await in_thread(lambda: Grant.objects.update(state="revoked"))
        texts = [(await run(commands[each], machine))[1] for each in ("wget", "aria2")]
        curl = commands[CURL].replace("-fL -C - -o 'model.dat'", "-sS")
        texts.append((await run(curl, machine))[1])

    assert all("Your access was revoked. Read why" in text for text in texts), texts
    assert read_model(machine) == b""
