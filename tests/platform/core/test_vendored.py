"""Third-party files that are not installed are exactly the ones that are listed."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
LIST = "VENDORED.toml"
KEYS = {"path", "package", "version", "source", "licence", "purpose", "sha256"}

pytestmark = pytest.mark.parametrize(
    "folder", [ROOT / "static" / "vendored", ROOT / "portal" / "gate" / "licensing" / "fonts"]
)


def listed(folder: Path) -> list[dict[str, str]]:
    text = (folder / LIST).read_text(encoding="utf-8")
    entries: list[dict[str, str]] = tomllib.loads(text)["file"]
    return entries


def test_every_entry_says_what_it_is(folder: Path) -> None:
    assert [set(entry) for entry in listed(folder)] == [KEYS] * len(listed(folder))
    assert all(all(entry.values()) for entry in listed(folder))


def test_hashes_are_those_of_the_files(folder: Path) -> None:
    found = {
        entry["path"]: hashlib.sha256((folder / entry["path"]).read_bytes()).hexdigest()
        for entry in listed(folder)
    }

    assert found == {entry["path"]: entry["sha256"] for entry in listed(folder)}


def test_no_file_is_unlisted(folder: Path) -> None:
    files = {
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and path != folder / LIST
    }

    assert files == {entry["path"] for entry in listed(folder)}
