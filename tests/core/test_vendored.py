"""Third-party files in the browser are exactly the ones that are listed."""

from __future__ import annotations

import hashlib
import tomllib
from pathlib import Path

VENDORED = Path(__file__).resolve().parents[2] / "static" / "vendored"
LIST = VENDORED / "VENDORED.toml"
KEYS = {"path", "package", "version", "source", "licence", "purpose", "sha256"}


def listed() -> list[dict[str, str]]:
    entries: list[dict[str, str]] = tomllib.loads(LIST.read_text(encoding="utf-8"))["file"]
    return entries


def test_every_entry_says_what_it_is() -> None:
    assert [set(entry) for entry in listed()] == [KEYS] * len(listed())
    assert all(all(entry.values()) for entry in listed())


def test_hashes_are_those_of_the_files() -> None:
    found = {
        entry["path"]: hashlib.sha256((VENDORED / entry["path"]).read_bytes()).hexdigest()
        for entry in listed()
    }

    assert found == {entry["path"]: entry["sha256"] for entry in listed()}


def test_no_file_is_unlisted() -> None:
    files = {
        path.relative_to(VENDORED).as_posix()
        for path in VENDORED.rglob("*")
        if path.is_file() and path != LIST
    }

    assert files == {entry["path"] for entry in listed()}
