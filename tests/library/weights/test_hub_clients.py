"""The field's own clients, unchanged, against the running site."""

from __future__ import annotations

import asyncio
import os
import shutil
from asyncio.subprocess import Process
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from portal.gate.access.models import Grant
from portal.library.weights.hub import delivery
from portal.library.weights.models import Download
from tests.factories.weights import FILES, WEIGHTS, make_holder, make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import make_key
from tests.plugin import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.django_db(transaction=True)]

HF = {
    "2.x": ROOT / ".venv" / "bin" / "hf",
    "1.x": ROOT / ".venv-clients" / "bin" / "hf",
}

FETCHING = """
from huggingface_hub import hf_hub_download
hf_hub_download("family/tiny", "model.safetensors")
"""


def need(program: Path) -> Path:
    """The program of a client's environment; without it the test is skipped, or fails in CI."""
    if not program.exists() and not os.environ.get("CI"):
        pytest.skip("this client's environment is not installed")
    return program


@dataclass(frozen=True)
class Done:
    code: int
    text: str


@dataclass(frozen=True)
class Machine:
    """A researcher's machine: an empty home, the two variables, and a shell."""

    home: Path
    site: str
    key: str

    async def start(self, *command: str | Path) -> Process:
        environment = {
            "PATH": os.environ["PATH"],
            "HF_ENDPOINT": f"{self.site}/hub",
            "HF_HOME": os.fspath(self.home),
            "HF_TOKEN": self.key,
            "HF_HUB_DISABLE_PROGRESS_BARS": "1",
            "NO_COLOR": "1",
        }
        return await asyncio.create_subprocess_exec(
            *command,
            env=environment,
            cwd=self.home.parent,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.STDOUT,
        )

    async def run(self, *command: str | Path) -> Done:
        process = await self.start(*command)
        out, _ = await process.communicate()
        return Done(process.returncode or 0, out.decode())


def prepare(files: Mapping[str, bytes] = FILES) -> str:
    revision = make_revision(None, files)
    return make_key(make_holder(revision.repository.model))


def revoke() -> None:
    Grant.objects.update(state="revoked")


@pytest.mark.parametrize("version", HF)
async def test_download_verify_and_refusals(version: str, tmp_path: Path) -> None:
    hf = need(HF[version])
    key = await in_thread(prepare)
    folder = tmp_path / "folder"
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, key)
        dry = await machine.run(hf, "download", "family/tiny", "--dry-run")
        done = [
            await machine.run(hf, *command)
            for command in (
                ("auth", "whoami"),
                ("download", "family/tiny"),
                ("download", "family/tiny", "--revision", "v1", "--local-dir", folder),
                ("cache", "verify", "family/tiny"),
            )
        ]
        await in_thread(revoke)
        # The open file comes, the closed one does not.
        strangers = Machine(tmp_path / "empty", site, "")
        card = await strangers.run(hf, "download", "family/tiny", "config.json")
        closed = await strangers.run(hf, "download", "family/tiny", "model.safetensors")
        revoked = await Machine(tmp_path / "new", site, key).run(hf, "download", "family/tiny")
        blob = _find_blob(machine.home, WEIGHTS)
        blob.write_bytes(WEIGHTS[:-1] + b"?")
        wrong = await machine.run(hf, "cache", "verify", "family/tiny")

    assert (dry.code, "2 files" in dry.text) == (0, True)
    assert [each.code for each in done] == [0, 0, 0, 0], done
    assert {name: (folder / name).read_bytes() for name in FILES} == FILES
    assert (card.code, closed.code, revoked.code, wrong.code) == (0, 1, 1, 1)
    assert "[invalid_api_key] This needs a key with the scope weights." in closed.text
    assert "[revoked] Your access was revoked. Read why: http://testserver/access/" in revoked.text
    downloads = await in_thread(lambda: list(Download.objects.values_list("sent", "tool")))
    assert [sent for sent, _ in downloads] == [len(WEIGHTS)] * len(downloads)
    assert all(f"hf_hub/{version[0]}." in tool for _, tool in downloads)


def _find_blob(home: Path, content: bytes) -> Path:
    (found,) = [
        file
        for file in (home / "hub" / "models--family--tiny" / "blobs").iterdir()
        if file.read_bytes() == content
    ]
    return found


async def test_a_connection_that_is_cut_three_times_is_taken_up_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content, stream = os.urandom(44 * 2**20), delivery.stream_part
    cuts: list[object] = []

    async def stream_one_piece(*args: Any) -> AsyncIterator[bytes]:
        async with aclosing(stream(*args)) as pieces:  # type: ignore[type-var]  # a generator
            yield await anext(pieces)
            if len(cuts) < 3:
                cuts.append(args)
                raise asyncio.CancelledError
            async for piece in pieces:
                yield piece

    monkeypatch.setattr(delivery, "stream_part", stream_one_piece)
    # The client keeps what it has in steps of ten.
    monkeypatch.setattr(delivery, "PIECE", 12 * 2**20)
    key = await in_thread(lambda: prepare({"large.dat": content}))
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, key)
        done = await machine.run(HF["2.x"], "download", "family/tiny", "--local-dir", tmp_path)

    downloads = Download.objects.order_by("id").values_list("first_byte", flat=True)
    begun = await in_thread(lambda: list(downloads))
    assert (done.code, (tmp_path / "large.dat").read_bytes() == content) == (0, True), done
    assert [first // 2**20 for first in begun] == [0, 10, 20, 30]


async def test_transformers_and_the_library_itself(tmp_path: Path) -> None:
    python = need(HF["1.x"].with_name("python"))
    key = await in_thread(prepare)
    code = """
from huggingface_hub import HfFileSystem, auth_check, get_safetensors_metadata
from huggingface_hub import list_repo_commits, list_repo_refs
from transformers import AutoConfig

print(AutoConfig.from_pretrained("family/tiny", revision="v1").hidden_size)
print(get_safetensors_metadata("family/tiny").parameter_count)
print(HfFileSystem().info("family/tiny/model.safetensors")["size"])
print(list_repo_refs("family/tiny").tags[0].name, list_repo_commits("family/tiny")[0].title)
auth_check("family/tiny")
"""
    async with serve() as site:
        done = await Machine(tmp_path / "home", site, key).run(python, "-c", code)
        await in_thread(revoke)
        refused = await Machine(tmp_path / "other", site, key).run(python, "-c", FETCHING)

    assert done == Done(0, f"8\n{{'F32': 1000}}\n{len(WEIGHTS)}\nv1 v1\n")
    assert "GatedRepoError" in refused.text
    assert "[revoked] Your access was revoked. Read why: http://testserver/access/" in refused.text


async def test_the_page_s_curl_command_resumes(tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is needed"
    key = await in_thread(prepare)
    part = tmp_path / "model.safetensors"
    part.write_bytes(WEIGHTS[:1000])
    async with serve() as site:
        done = await Machine(tmp_path / "home", site, key).run(
            *("curl", "-sfL", "-C", "-", "-H", f"Authorization: Bearer {key}", "-o", part),
            f"{site}/hub/family/tiny/resolve/main/model.safetensors",
        )

    download = await Download.objects.aget()
    assert (done.code, part.read_bytes() == WEIGHTS) == (0, True)
    assert (download.first_byte, download.sent) == (1000, len(WEIGHTS) - 1000)
