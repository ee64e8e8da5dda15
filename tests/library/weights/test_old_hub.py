"""A client of 2024, which resumes files across runs and reads only `X-Error-Message`."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from portal.library.weights.hub import delivery
from portal.library.weights.models import Download, Revision
from tests.factories.weights import FILES, make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.library.weights.test_hub_clients import Machine, need, prepare, revoke
from tests.plugin import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]
MIB = 2**20


@pytest.fixture
def old() -> Path:
    return need(ROOT / ".venv-old-hub" / "bin" / "huggingface-cli")


def _publish_two() -> tuple[str, str]:
    """A key, and the older revision's commit."""
    first = make_revision(None, FILES, folder="one")
    model = first.repository.model
    make_revision(model, {**FILES, "new.txt": b"new"}, folder="two")
    return make_key(make_holder(model)), first.commit


async def test_downloads_by_tag_and_commit_and_refusals(old: Path, tmp_path: Path) -> None:
    key, commit = await in_thread(_publish_two)
    newest, tagged, pinned = (tmp_path / name for name in ("newest", "tagged", "pinned"))
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, key)
        done = [
            await machine.run(old, "download", "family/tiny", *rest)
            for rest in (
                (),
                ("--local-dir", newest),
                ("--local-dir", tagged, "--revision", "v1"),
                ("--local-dir", pinned, "--revision", commit),
            )
        ]
        unknown = Machine(tmp_path / "unknown", site, "gh_wrong")
        wrong = await unknown.run(old, "download", "family/tiny")
        await in_thread(revoke)
        late = Machine(tmp_path / "late", site, key)
        revoked = await late.run(old, "download", "family/tiny", "model.safetensors")

    assert [each.code for each in done] == [0, 0, 0, 0], done
    for folder in (tagged, pinned):
        assert {name: (folder / name).read_bytes() for name in FILES} == FILES
        assert not (folder / "new.txt").exists()
    assert (newest / "new.txt").read_bytes() == b"new"
    assert (wrong.code, revoked.code) == (1, 1)
    assert "[invalid_api_key] This is not an API key" in wrong.text
    assert "[revoked] Your access was revoked. Read why: http://testserver/access/" in revoked.text
    assert "internet connection" not in wrong.text + revoked.text


async def test_a_killed_download_is_resumed(
    old: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, stream, killed = os.urandom(24 * MIB), delivery.stream_part, asyncio.Event()

    async def stop_after_a_piece(*args: Any) -> AsyncIterator[bytes]:
        async with aclosing(stream(*args)) as pieces:  # type: ignore[type-var]  # a generator
            yield await anext(pieces)
            await killed.wait()
            async for piece in pieces:
                yield piece

    monkeypatch.setattr(delivery, "stream_part", stop_after_a_piece)
    # The client writes ten at a time.
    monkeypatch.setattr(delivery, "PIECE", 12 * MIB)
    key = await in_thread(lambda: prepare({"large.dat": content}))
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, key)
        first = await machine.start(old, "download", "family/tiny")
        async with asyncio.timeout(60):
            while _measure_partial(machine.home) < 10 * MIB:  # noqa: ASYNC110 -- another process writes
                await asyncio.sleep(0.05)
        first.kill()
        await first.communicate()
        killed.set()
        done = await machine.run(old, "download", "family/tiny", "--local-dir", tmp_path)
        again = await machine.run(old, "download", "family/tiny")

    begun = Download.objects.order_by("id").values_list("first_byte", flat=True)
    revision = await Revision.objects.aget()
    blob = machine.home / "hub" / "models--family--tiny" / "snapshots" / revision.commit
    assert (done.code, again.code) == (0, 0), (done, again)
    assert (blob / "large.dat").read_bytes() == content
    assert [each // MIB for each in await in_thread(lambda: list(begun))] == [0, 0, 10]


def _measure_partial(home: Path) -> int:
    return sum(file.stat().st_size for file in home.rglob("*.incomplete"))
