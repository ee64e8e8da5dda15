"""A launcher fetches its deployment's weights from the site, with a key of its own."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from huggingface_hub import constants
from safetensors.numpy import save

from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.engines.status import read_status
from inference_workers.errors import LaunchError
from inference_workers.fetching import fetch as fetching
from inference_workers.launcher.fetching import fetch
from portal.gate.access.models import Grant
from portal.library.weights.hub import delivery
from portal.library.weights.models import Download, Revision
from tests.factories.weights import make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.plugin import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

MIB = 2**20
LARGE = save({"b": np.frombuffer(os.urandom(11 * MIB), dtype=np.uint8)})
READ = {
    "config.json": b"{}",
    "tokenizer.json": b'{"a": 1}',
    "model-1.safetensors": save({"a": np.frombuffer(os.urandom(3 * MIB), dtype=np.uint8)}),
    "model-2.safetensors": LARGE,
}
FILES = {**READ, "README.md": b"# A card", "original/part.dat": b"0"}


def _prepare() -> tuple[Revision, str]:
    revision = make_revision(None, FILES)
    return revision, make_key(make_holder(revision.repository.model))


class Host:
    """A GPU host that has the address of the site, and a key."""

    def __init__(self, folder: Path, revision: Revision) -> None:
        self.folder = folder / "host"
        self.folder.mkdir()
        self.revision = revision
        self.deployment = Deployment(
            slug="tiny", hub="family/tiny", revision=revision.commit, max_model_len=16
        )
        self.settings = LauncherSettings(
            deployment="tiny",
            weights_dir=self.folder / "weights",
            engine_dir=self.folder / "engines",
        )
        self.settings.deployment_dir.mkdir(parents=True)
        self.told: list[str] = []

    @property
    def weights(self) -> dict[str, bytes]:
        """What the engine would find."""
        folder = self.settings.weights_folder(self.deployment)
        return {file.name: file.read_bytes() for file in folder.glob("*")}

    @property
    def has_two_mebibytes(self) -> bool:
        parts = self.folder.rglob("model-2.safetensors.part")
        return any(part.stat().st_size >= 2 * MIB for part in parts)

    async def fetch(self, wait: Callable[[float], bool] = lambda _: False) -> None:
        await asyncio.to_thread(
            fetching.fetch_weights,
            self.settings,
            self.deployment,
            report=self.told.append,
            wait=wait,
        )


def wait_shortly(seconds: float) -> bool:
    time.sleep(seconds / 20)
    return False


@asynccontextmanager
async def host_of(folder: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Host]:
    revision, key = await in_thread(_prepare)
    async with serve() as site:
        monkeypatch.setattr(constants, "ENDPOINT", f"{site}/hub")
        monkeypatch.setenv("HF_TOKEN", key)
        yield Host(folder, revision)


async def test_what_an_engine_reads_is_fetched_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host_of(tmp_path, monkeypatch) as host:
        await asyncio.gather(host.fetch(), host.fetch(wait_shortly))
        needs_more = fetching.needs_fetching(host.settings, host.deployment)

    assert host.weights == READ
    assert needs_more is False
    assert "fetching the weights: 15 MB of 15 MB" in host.told
    left = [path.name for path in (host.folder / "weights").iterdir()]
    assert sorted(left) == [".tiny.lock", "tiny"]
    fetched = [path async for path in Download.objects.values_list("file__path", flat=True)]
    # The open files leave no record.
    assert sorted(fetched) == ["model-1.safetensors", "model-2.safetensors"]


async def test_a_killed_fetch_goes_on_where_it_was(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stream, reached = delivery.stream_part, asyncio.Event()

    async def stream_and_halt(place: Path, *args: Any) -> AsyncIterator[bytes]:
        count = 0
        async with aclosing(stream(place, *args)) as pieces:  # type: ignore[type-var]  # a generator
            async for piece in pieces:
                yield piece
                count += 1
                if count == 6 and not reached.is_set():
                    reached.set()
                    await asyncio.Event().wait()

    monkeypatch.setattr(delivery, "stream_part", stream_and_halt)
    async with host_of(tmp_path, monkeypatch) as host:
        file = host.folder / "models.toml"
        file.write_text(
            f'[deployments.tiny]\nmax_model_len = 16\nhub = "family/tiny"\n'
            f'revision = "{host.revision.commit}"\n'
        )
        environment = {
            **os.environ,
            "MODELS_FILE": os.fspath(file),
            "WEIGHTS_DIR": os.fspath(host.settings.weights_dir),
            "HF_ENDPOINT": constants.ENDPOINT,
        }
        command = (sys.executable, "-m", "inference_workers", "fetch", "tiny")
        process = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        async with asyncio.timeout(30):
            await reached.wait()
            while not host.has_two_mebibytes:  # noqa: ASYNC110 -- another program
                await asyncio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        has_folder = (host.settings.weights_dir / "tiny").exists()
        again = await asyncio.create_subprocess_exec(*command, cwd=ROOT, env=environment)
        code = await again.wait()

    assert (has_folder, code, host.weights) == (False, 0, READ)
    rows = Download.objects.filter(file__path="model-2.safetensors").order_by("pk")
    firsts = [first async for first in rows.values_list("first_byte", flat=True)]
    assert (len(firsts), firsts[0], firsts[1] >= 2 * MIB) == (2, 0, True)


async def test_a_wrong_byte_is_fetched_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights_dir: Path
) -> None:
    async with host_of(tmp_path, monkeypatch) as host:
        served = weights_dir / host.revision.folder / "model-2.safetensors"
        served.write_bytes(LARGE[:-1] + bytes([LARGE[-1] ^ 1]))
        pauses: list[float] = []

        def mend(seconds: float) -> bool:
            if seconds:
                pauses.append(seconds)
                served.write_bytes(LARGE)
            return False

        await host.fetch(mend)

    assert (host.weights, pauses) == (READ, [1.0])


async def test_what_stays_wrong_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, weights_dir: Path
) -> None:
    pauses: list[float] = []

    def note(seconds: float) -> bool:
        pauses.extend([seconds] if seconds else [])
        return False

    async with host_of(tmp_path, monkeypatch) as host:
        served = weights_dir / host.revision.folder / "config.json"
        served.write_bytes(b"[]")
        with pytest.raises(LaunchError) as failed:
            await host.fetch(note)

    assert str(failed.value) == (
        f"the weights of tiny cannot be fetched from {constants.ENDPOINT}: "
        "config.json does not have the hash that the hub lists"
    )
    assert pauses == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert host.weights == {}


async def test_a_refusal_is_told_in_the_sites_words(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host_of(tmp_path, monkeypatch) as host:
        await in_thread(lambda: Grant.objects.update(state="revoked"))
        with pytest.raises(LaunchError) as revoked:
            await host.fetch()
        monkeypatch.setenv("HF_TOKEN", "gh_wrong")
        with pytest.raises(LaunchError) as wrong:
            await host.fetch()

    assert str(revoked.value).endswith(
        "[revoked] Your access was revoked. Read why: http://testserver/access/"
    )
    assert "[invalid_api_key]" in str(wrong.value)


async def test_a_full_disk_is_noticed_before_the_first_byte(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2**30))
    async with host_of(tmp_path, monkeypatch) as host:
        with pytest.raises(LaunchError) as refused:
            await host.fetch()

    assert str(refused.value) == (
        f"the weights of tiny need 15 MB more, and {host.folder}/weights has 1.1 GB free"
    )
    assert await Download.objects.acount() == 0


async def test_weights_of_another_hash_are_not_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with host_of(tmp_path, monkeypatch) as host:
        host.deployment = host.deployment.model_copy(update={"weights_sha256": "0" * 64})
        with pytest.raises(LaunchError, match="are not those of weights_sha256"):
            await host.fetch()

    assert host.weights == {}


async def test_a_launcher_that_stops_keeps_what_it_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stop, stream = asyncio.Event(), delivery.stream_part

    async def stream_and_stop(*args: Any) -> AsyncIterator[bytes]:
        async with aclosing(stream(*args)) as pieces:  # type: ignore[type-var]  # a generator
            async for piece in pieces:
                yield piece
                stop.set()

    monkeypatch.setattr(delivery, "stream_part", stream_and_stop)
    async with host_of(tmp_path, monkeypatch) as host:
        is_fetched = await fetch(host.settings, host.deployment, stop=stop)
        status = read_status(host.settings.status_file)
        monkeypatch.setattr(delivery, "stream_part", stream)
        is_fetched_later = await fetch(host.settings, host.deployment, stop=asyncio.Event())

    assert (is_fetched, is_fetched_later, host.weights) == (False, True, READ)
    assert status is not None
    assert status.detail.startswith("fetching the weights: ")
