"""Code, notes and data as datasets of the Hub's protocol."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from portal.gate.access.enums import KeyScope
from portal.library.weights.models import Download, Revision
from tests.factories.accounts import UserFactory
from tests.factories.repositories import README, TABLE, make_notes, make_repository, make_signer
from tests.factories.weights import make_revision
from tests.lab.playground.sse import in_thread, serve
from tests.library.weights.client import HubClient, make_key, read_body
from tests.library.weights.test_hub_clients import HF, Machine

pytestmark = pytest.mark.django_db(transaction=True)
API = "/hub/api/datasets/family/notes"
FILE = "/hub/datasets/family/notes/resolve/main/README.md"
LOADING = """
from datasets import load_dataset

print(load_dataset("family/notes", split="train")[0])
print(next(iter(load_dataset("family/notes", split="train", streaming=True))))
"""


@pytest.fixture
def notes(transactional_db: None) -> Revision:
    """For holders of the licence; the release has weights too."""
    release = make_revision().repository.model.release
    repository = make_repository(release, audience="licence_holders")
    return make_notes(repository=repository)


async def test_public_files_need_no_key(transactional_db: None) -> None:
    notes = await in_thread(make_notes)
    client = HubClient()

    described = (await client.get(f"{API}/revision/v1?blobs=true")).json()
    tree = (await client.get(f"{API}/tree/main?recursive=true")).json()
    head, sent = await client.head(FILE), await client.get(FILE)

    assert (described["id"], described["sha"], described["gated"]) == (
        "family/notes", notes.commit, False,
    )  # fmt: skip
    assert described["author"] == "family"
    assert "modelId" not in described
    assert [entry["path"] for entry in tree] == ["README.md", "steps", "steps/one.md", "table.csv"]
    assert head["Content-Length"] == str(len(README))
    assert await read_body(sent) == README
    assert (await client.get(f"{API}/refs")).json()["tags"][0]["name"] == "v1"
    assert (await client.get(f"{API}/commits/main"))["X-Total-Count"] == "1"
    assert (await client.get(f"{API}/auth-check")).content == b"OK"
    assert await in_thread(Download.objects.count) == 0


async def test_models_and_datasets_are_two_lists(notes: Revision) -> None:
    client = HubClient()

    for path in (
        "/hub/api/models/family/notes",
        "/hub/api/datasets/family/tiny",
        "/hub/family/notes/resolve/main/README.md",
        "/hub/datasets/family/tiny/resolve/main/config.json",
    ):
        answer = await client.get(path)
        assert (answer.status_code, answer["X-Error-Code"]) == (404, "RepoNotFound")


async def test_files_for_holders_of_the_licence(notes: Revision) -> None:
    release = notes.repository.release
    stranger = await in_thread(lambda: make_key(UserFactory.create()))
    signer = await in_thread(lambda: make_key(make_signer(release), scopes=[KeyScope.READ]))

    for path in (API, f"{API}/tree/main", f"{API}/auth-check", FILE):
        keyless, closed, opened = [await HubClient(key).get(path) for key in ("", stranger, signer)]
        assert (keyless.status_code, keyless["X-Error-Code"]) == (401, "GatedRepo")
        assert (closed.status_code, closed["X-Error-Code"]) == (403, "GatedRepo")
        assert closed["X-Error-Message"] == (
            f"[licence_unsigned] Family notes is for people who have signed {release.licence.name}."
            f" Read and sign it. http://testserver/licence/{release.licence.slug}/sign/"
        )
        assert opened.status_code == 200
    assert (await HubClient(signer).get(API)).json()["gated"] == "manual"
    missing = await HubClient().get(FILE.replace("README", "none"))
    assert (missing.status_code, missing.get("X-Error-Code")) == (401, "GatedRepo")


@pytest.mark.slow
async def test_the_real_clients_fetch_and_load(transactional_db: None, tmp_path: Path) -> None:
    python = HF["1.x"].with_name("python")
    if not python.exists() and not os.environ.get("CI"):
        pytest.skip("this client's environment is not installed")
    await in_thread(lambda: make_notes({"README.md": README, "train.csv": TABLE}, kind="data"))
    download = ("download", "family/notes", "--repo-type", "dataset")
    async with serve() as site:
        machine = Machine(tmp_path / "home", site, "")
        fetched = [
            await machine.run(hf, *download, "--local-dir", tmp_path / version)
            for version, hf in HF.items()
        ]
        verified = await machine.run(
            HF["2.x"], "cache", "verify", "family/notes", "--repo-type", "dataset",
            "--local-dir", tmp_path / "2.x",
        )  # fmt: skip
        loaded = await machine.run(python, "-c", LOADING)

    assert [each.code for each in fetched] == [0, 0], fetched
    assert verified.code == 0, verified
    for version in HF:
        assert (tmp_path / version / "train.csv").read_bytes() == TABLE
    row = "{'step': 1, 'loss': 5.25, 'word': 'start'}"
    assert (loaded.code, loaded.text.splitlines()[-2:]) == (0, [row, row]), loaded
