"""The files of a folder, read once: their sizes, hashes and ids."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from portal.library.weights.rules import LFS_BYTES

PIECE: Final = 4 * 2**20


@dataclass(frozen=True)
class FileFacts:
    """One file as it will be published."""

    path: str
    size: int
    sha256: str
    blob: str
    is_open: bool


def read_facts(
    folder: Path, paths: Iterable[str], *, opened: Sequence[str], told: Callable[[str], None]
) -> list[FileFacts]:
    """Hash each file once; `opened` are patterns of the files that anybody may fetch."""
    facts = []
    for path in sorted(paths):
        told(path)
        is_open = any(fnmatchcase(path, pattern) for pattern in opened)
        facts.append(_read(folder / path, path, is_open=is_open))
    return facts


def make_commit(facts: Iterable[FileFacts]) -> str:
    """The id of exactly these files: SHA-1 of their manifest."""
    lines = [[fact.path, fact.size, fact.sha256, fact.is_open] for fact in facts]
    text = json.dumps(sorted(lines), separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def write_pointer(sha256: str, size: int) -> bytes:
    """The text that git keeps in place of a large file."""
    return (
        f"version https://git-lfs.github.com/spec/v1\noid sha256:{sha256}\nsize {size}\n".encode()
    )


def blob_id(content: bytes) -> str:
    """The id that git gives to a file."""
    return _begin_blob(len(content), content).hexdigest()


def _read(file: Path, path: str, *, is_open: bool) -> FileFacts:
    size = file.stat().st_size
    sha256, blob = hashlib.sha256(), _begin_blob(size)
    with file.open("rb") as content:
        while piece := content.read(PIECE):
            sha256.update(piece)
            if size < LFS_BYTES:
                blob.update(piece)
    digest = sha256.hexdigest()
    own = blob_id(write_pointer(digest, size)) if size >= LFS_BYTES else blob.hexdigest()
    return FileFacts(path, size, digest, own, is_open)


def _begin_blob(size: int, content: bytes = b"") -> hashlib._Hash:
    return hashlib.sha1(b"blob %d\0" % size + content, usedforsecurity=False)
