"""Publishing a folder: what is refused, what is stored, and that it never changes."""

from __future__ import annotations

import hashlib
import json
import threading
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connection, transaction

from portal.gate.catalog.models import HostedModel
from portal.library.weights.domain.publishing import publish
from portal.library.weights.models import File, Revision
from portal.library.weights.rules import LFS_BYTES
from portal.platform.audit.models import AuditEvent
from portal.platform.core.errors import DomainError
from tests.factories.catalog import HostedModelFactory
from tests.factories.weights import CONFIG, FILES, WEIGHTS, make_revision, write_folder

pytestmark = pytest.mark.django_db


@pytest.fixture
def model() -> HostedModel:
    return HostedModelFactory.create(slug="tiny")


def faults(model: HostedModel, folder: Path) -> list[str]:
    with pytest.raises(DomainError) as refusal:
        publish(model, folder)
    assert refusal.value.code == "not_publishable"
    return refusal.value.message.splitlines()


def test_a_revision_knows_every_file(model: HostedModel) -> None:
    revision = make_revision(model)

    manifest = json.dumps(
        [
            ["config.json", len(CONFIG), hashlib.sha256(CONFIG).hexdigest(), True],
            ["model.safetensors", len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest(), False],
        ],
        separators=(",", ":"),
    )
    git = hashlib.sha1(b"blob %d\0" % len(CONFIG) + CONFIG).hexdigest()
    config, weights = revision.files.all()
    assert (revision.name, revision.number, revision.folder) == ("v1", 1, "one")
    assert revision.commit == hashlib.sha1(manifest.encode()).hexdigest()
    assert (config.path, config.size, config.blob, config.is_open) == (
        "config.json", len(CONFIG), git, True,
    )  # fmt: skip
    assert (config.etag, weights.etag) == (config.blob, weights.blob)
    assert (weights.sha256, weights.is_open) == (hashlib.sha256(WEIGHTS).hexdigest(), False)
    event = AuditEvent.objects.get(tag="weights.revision.published")
    assert event.subject == f"weights:{revision.commit}"
    assert event.data == {"model": "tiny", "revision": "v1", "files": 2}


def test_a_large_file_is_known_by_its_sha256(model: HostedModel) -> None:
    large = bytes(LFS_BYTES)
    (file,) = make_revision(model, {"a/large.dat": large, "small.dat": large[1:]}).files.filter(
        path="a/large.dat"
    )

    digest = hashlib.sha256(large).hexdigest()
    pointer = f"version https://git-lfs.github.com/spec/v1\noid sha256:{digest}\nsize 10485760\n"
    expected = hashlib.sha1(f"blob {len(pointer)}\0{pointer}".encode()).hexdigest()
    assert (file.etag, file.blob) == (digest, expected)
    assert not File.objects.get(path="small.dat").is_lfs


def test_the_same_files_are_published_once(model: HostedModel) -> None:
    first = make_revision(model)
    again = publish(model, write_folder("copy", FILES), opened=["*.json"])
    other = make_revision(model, {**FILES, "README.md": b"# Tiny\n"}, folder="two")
    closed = publish(model, write_folder("copy", FILES))

    assert (again.revision, again.is_new) == (first, False)
    assert [other.name, closed.revision.name] == ["v2", "v3"]
    assert len({first.commit, other.commit, closed.revision.commit}) == 3


def test_a_name_belongs_to_its_files_for_good(model: HostedModel) -> None:
    make_revision(model, name="final")
    with pytest.raises(DomainError) as other_files:
        make_revision(model, {"a.txt": b"a"}, folder="two", name="final")
    with pytest.raises(DomainError) as other_name:
        make_revision(model, name="last")

    assert (other_files.value.code, other_name.value.code) == ("revision_taken",) * 2
    assert other_name.value.message == (
        "These files are already published, as final. Choose another name."
    )


@pytest.mark.parametrize("name", ["main", "HEAD", "abcdef1", "a" * 51, "a/b", "-x", "a..b", "v 1"])
def test_names_that_clients_would_mistake(model: HostedModel, name: str) -> None:
    with pytest.raises(DomainError) as refusal:
        make_revision(model, name=name)

    assert (refusal.value.code, refusal.value.field) == ("invalid_value", "revision")


def test_the_database_refuses_every_change(model: HostedModel) -> None:
    revision = make_revision(model)
    for change in (
        lambda: Revision.objects.update(name="v9"),
        lambda: File.objects.update(size=1),
        lambda: File.objects.filter(revision=revision)._raw_delete("default"),
        lambda: File.objects.create(
            revision=revision, path="CONFIG.json", size=1, sha256="0" * 64, blob="0" * 40,
            is_open=False,
        ),
    ):  # fmt: skip
        with pytest.raises(IntegrityError), transaction.atomic():
            change()


def test_every_fault_is_named_before_anything_is_stored(
    model: HostedModel, weights_dir: Path
) -> None:
    folder = write_folder(
        "bad",
        {
            "Model.txt": b"", "model.TXT": b"", "a:b": b"", "pickled.bin": b"", "dir/CON": b"",
            "cut.safetensors": WEIGHTS[:-1], "lie.safetensors": b"\xff" * 16, "e.": b"",
            ".git/HEAD": b"", "tail ": b"",
        },
    )  # fmt: skip
    (weights_dir / "secret").write_text("secret")
    (folder / "outside").symlink_to(weights_dir / "secret")
    (folder / "folder").symlink_to(folder / "dir")
    (folder / "broken").symlink_to(folder / "nothing")

    found = faults(model, folder)

    assert [line.split(" ")[0] for line in found] == [
        ".git/HEAD", "a:b", "dir/CON", "e.", "tail", "Model.txt", "broken",
        "cut.safetensors", "folder", "lie.safetensors", "outside", "pickled.bin",
    ]  # fmt: skip
    assert found[5] == "Model.txt and model.TXT differ only in upper and lower case."
    assert found[-2] == "outside is a link to a place outside the folder."
    assert Revision.objects.count() == 0


def test_links_within_the_folder_are_files(model: HostedModel) -> None:
    folder = write_folder("linked", {"a.txt": b"a"})
    (folder / "b.txt").symlink_to("a.txt")

    assert [file.path for file in publish(model, folder).revision.files.all()] == ["a.txt", "b.txt"]


def test_an_index_must_name_files_that_are_there(model: HostedModel) -> None:
    index = json.dumps({"weight_map": {"a": "one.safetensors", "b": "two.safetensors"}}).encode()
    files = {"model.safetensors.index.json": index, "one.safetensors": WEIGHTS}

    assert faults(model, write_folder("half", files)) == [
        "model.safetensors.index.json names two.safetensors, which is not in the folder."
    ]


def test_a_place_outside_and_an_empty_folder(model: HostedModel, weights_dir: Path) -> None:
    empty = weights_dir / "empty"
    empty.mkdir()
    expected = f"is not a folder below WEIGHTS_DIR, which is {weights_dir}."

    assert faults(model, empty) == [f"{empty} contains no files."]
    assert faults(model, weights_dir.parent) == [f"{weights_dir.parent} {expected}"]
    assert faults(model, weights_dir / "none") == [f"{weights_dir / 'none'} {expected}"]


def test_the_command(model: HostedModel) -> None:
    folder = write_folder("pickles", {"part-0.pt": b"x", "vocab.json": b"{}"})
    out = StringIO()
    with pytest.raises(CommandError, match=r"part-0\.pt is a pickle"):
        call_command("publish_weights", "tiny", folder)
    with pytest.raises(CommandError, match=r"there is no large here \(known: tiny\)"):
        call_command("publish_weights", "large", folder)
    for _ in range(2):
        call_command(
            "publish_weights", "tiny", folder,
            revision="raw", open=["*.json"], allow_pickles=True, stdout=out,
        )  # fmt: skip

    commit = Revision.objects.get().commit
    name = f"{model.release.slug}/tiny raw, commit {commit}"
    assert out.getvalue().splitlines() == [f"published {name}", f"already published {name}"]


@pytest.mark.django_db(transaction=True)
def test_two_publications_at_once_make_one_of_the_same_and_two_of_different_files() -> None:
    model = HostedModelFactory.create()
    folders = [write_folder(name, FILES) for name in ("a", "b")]
    folders += [write_folder(name, {"x.txt": name.encode()}) for name in ("c", "d")]
    made: list[tuple[int, bool]] = []

    def run(folder: Path) -> None:
        try:
            done = publish(model, folder)
            made.append((done.revision.number, done.is_new))
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=[folder]) for folder in folders]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(number for number, is_new in made if is_new) == [1, 2, 3]
    assert len(made) == 4
    assert Revision.objects.count() == 3
