"""Repositories as a release folder declares them."""

from __future__ import annotations

from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, transaction

from portal.gate.catalog.domain.loading import load_release
from portal.gate.licensing.models import Licence
from portal.library.weights.models import FileText, Repository, Revision
from portal.platform.audit.models import AuditEvent
from tests.factories.repositories import make_notes
from tests.gate.catalog.folders import RELEASE, write_release

pytestmark = pytest.mark.django_db
NOTES = """
[[release.repository]]
slug = "notes"
kind = "notes"
name = "Notes"
summary = "What was written down."
authors = ["Ada Byron"]
licence = "CC-BY-4.0"
audience = "public"
folder = "notes"
"""


def write_repository(folder: Path, toml: str = NOTES) -> Path:
    write_release(folder, RELEASE + toml)
    (folder / "notes" / "__pycache__").mkdir(parents=True)
    (folder / "notes" / "README.md").write_text("# Notes\n")
    (folder / "notes" / "__pycache__" / "a.pyc").write_bytes(b"\0")
    return folder


def publish(folder: Path) -> list[str]:
    out = StringIO()
    call_command("publish_library", folder, stdout=out)
    return [line.rpartition(",")[0] for line in out.getvalue().splitlines()]


def test_a_declared_folder_is_published_as_a_copy(tmp_path: Path, weights_dir: Path) -> None:
    load_release(write_repository(tmp_path))

    assert publish(tmp_path) == ["published tiny/notes v1"]
    assert publish(tmp_path) == ["already published tiny/notes v1"]
    (tmp_path / "notes" / "README.md").write_text("# Changed\n")
    assert publish(tmp_path) == ["published tiny/notes v2"]

    repository = Repository.objects.get()
    second, first = Revision.objects.all()
    assert (repository.kind, repository.authors, repository.spdx) == (
        "notes", ["Ada Byron"], "CC-BY-4.0",
    )  # fmt: skip
    assert first.folder == f"library/tiny/notes/{first.commit}"
    assert [(weights_dir / each.folder / "README.md").read_text() for each in (first, second)] == [
        "# Notes\n",
        "# Changed\n",
    ]
    assert [file.path for file in first.files.all()] == ["README.md"]
    assert FileText.objects.get(file__revision=first).text == "# Notes\n"
    event = AuditEvent.objects.filter(tag="weights.revision.published").earliest("pk")
    assert event.data == {"repository": "tiny/notes", "revision": "v1", "files": 1}


def test_what_the_folder_says_of_it_may_change_without_a_new_revision(tmp_path: Path) -> None:
    load_release(write_repository(tmp_path))
    publish(tmp_path)
    changed = NOTES.replace("CC-BY-4.0", "kindness").replace('"public"', '"licence_holders"')
    write_release(tmp_path, RELEASE + changed)

    assert publish(tmp_path) == ["already published tiny/notes v1"]
    repository = Repository.objects.get()
    assert repository.licence == Licence.objects.get(slug="kindness")
    assert (repository.spdx, repository.audience) == ("", "licence_holders")


def test_nothing_is_published_of_what_cannot_be(tmp_path: Path) -> None:
    write_repository(tmp_path)
    with pytest.raises(CommandError, match=r"^tiny/notes: The release is not loaded: run load_"):
        publish(tmp_path)
    load_release(tmp_path)
    (tmp_path / "notes" / "bad.pkl").write_bytes(b"1")
    with pytest.raises(CommandError, match=r"^tiny/notes: bad\.pkl is a pickle"):
        publish(tmp_path)
    write_release(tmp_path, RELEASE + NOTES.replace('folder = "notes"', 'folder = "../notes"'))
    with pytest.raises(CommandError, match=r"is not a folder of the release folder\.$"):
        publish(tmp_path)

    assert Repository.objects.count() == 0


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("CC-BY-4.0", "unkind", "release.tiny.repository.notes.licence: 'unkind' is neither"),
        ('kind = "notes"', 'kind = "weights"', "release.tiny.repository.notes.kind: "),
        ('"public"', '"friends"', "release.tiny.repository.notes.audience: "),
        (NOTES, NOTES * 2, "release.tiny: repository: the slug 'notes' appears twice"),
    ],
)
def test_faults_of_the_folder_name_the_key(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    write_repository(tmp_path, NOTES.replace(old, new))

    with pytest.raises(CommandError) as refusal:
        publish(tmp_path)
    assert str(refusal.value).removeprefix(f"{tmp_path / 'release.toml'}: ").startswith(expected)


def test_the_database_keeps_kinds_and_licences_apart() -> None:
    repository = make_notes().repository
    changes: list[dict[str, Any]] = [
        {"kind": "weights"},
        {"release": None},
        {"spdx": ""},
        {"licence": repository.release.licence},
    ]
    for change in changes:
        with pytest.raises(IntegrityError), transaction.atomic():
            Repository.objects.update(**change)
    with pytest.raises(IntegrityError), transaction.atomic():
        FileText.objects.update(text="Changed.")
