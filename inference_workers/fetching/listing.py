"""Which files of a hub's repository an engine reads."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatch
from pathlib import PurePosixPath
from typing import Final

from huggingface_hub import HfApi
from huggingface_hub.hf_api import RepoFile

from inference_workers.check.facts.weights import PATTERNS

BESIDE_THE_WEIGHTS: Final = frozenset({".json", ".txt", ".model", ".jinja"})
"""Configuration, tokenizer, chat template."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """A file, and the hash that its content must have."""

    path: str
    size: int
    sha256: str
    """Empty for a small file, which has only a blob id."""
    blob_id: str
    """The SHA-1 that git gives it; of a large file's pointer, if it has a `sha256`."""


def list_files(hub: str, revision: str) -> tuple[str, list[HubFile]]:
    """The commit of a revision, and the files of it that an engine reads.

    Raises huggingface_hub's `HfHubHTTPError`, and OSError if the hub cannot be reached.
    """
    api = HfApi()
    commit = str(api.model_info(hub, revision=revision or None).sha)
    entries = api.list_repo_tree(hub, revision=commit, recursive=True)
    files = [_read(entry) for entry in entries if isinstance(entry, RepoFile)]
    return commit, choose_files(files)


def choose_files(files: Sequence[HubFile]) -> list[HubFile]:
    """The weights in the format that vLLM prefers, and the small files beside them."""
    top = [file for file in files if "/" not in file.path]
    weights = next(
        (found for pattern in PATTERNS if (found := [f for f in top if fnmatch(f.path, pattern)])),
        [],
    )
    small = [f for f in top if PurePosixPath(f.path).suffix in BESIDE_THE_WEIGHTS]
    return [*small, *weights]


def _read(entry: RepoFile) -> HubFile:
    sha256 = entry.lfs.sha256 if entry.lfs else ""
    return HubFile(entry.path, entry.size, sha256, entry.blob_id)
