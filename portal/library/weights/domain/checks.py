"""Whether a folder can be published: everything that is wrong with it, before it is hashed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

from safetensors import SafetensorError, safe_open

from portal.library.weights.rules import LARGEST_FILE, PICKLES, TENSORS, find_name_fault

INDEX: Final = ".safetensors.index.json"


def list_paths(folder: Path) -> list[str]:
    """Paths of all files below the folder, with `/`; symbolic links count as files."""
    paths = []
    for at, folders, names in os.walk(folder):
        links = [name for name in folders if (Path(at) / name).is_symlink()]
        paths += [(Path(at) / name).relative_to(folder).as_posix() for name in [*names, *links]]
    return sorted(paths)


def find_faults(folder: Path, paths: list[str], *, allow_pickles: bool) -> list[str]:
    """What must be changed before these files can be published, a sentence each."""
    if not paths:
        return [f"{folder} contains no files."]
    faults = [f"{path} {fault}." for path in paths if (fault := find_name_fault(path))]
    faults += _find_collisions(paths)
    for path in paths:
        faults += _find_file_faults(folder, path, allow_pickles=allow_pickles)
    if not faults:
        faults += _find_broken_indexes(folder, paths)
    return faults


def _find_collisions(paths: list[str]) -> Iterator[str]:
    seen: dict[str, str] = {}
    for path in paths:
        # A folder and a file collide as well.
        parts = path.split("/")
        for depth in range(1, len(parts) + 1):
            head = "/".join(parts[:depth])
            other = seen.setdefault(head.casefold(), head)
            if other != head:
                yield f"{other} and {head} differ only in upper and lower case."


def _find_file_faults(folder: Path, path: str, *, allow_pickles: bool) -> Iterator[str]:
    file = folder / path
    if not file.resolve().is_relative_to(folder.resolve()):
        yield f"{path} is a link to a place outside the folder."
        return
    if not file.is_file():
        yield f"{path} is not a file, or is a link to a folder."
        return
    if not os.access(file, os.R_OK):
        yield f"{path} cannot be read."
        return
    if file.stat().st_size > LARGEST_FILE:
        yield f"{path} is larger than 50 GB, the most that clients fetch. Split it into shards."
    suffix = file.suffix.lower()
    if suffix in PICKLES and not allow_pickles:
        yield (
            f"{path} is a pickle, whose loading can run code. Convert it to safetensors, or "
            "publish it with --allow-pickles."
        )
    if suffix == TENSORS:
        yield from _find_header_fault(file, path)


def _find_header_fault(file: Path, path: str) -> Iterator[str]:
    try:
        with safe_open(file, framework="numpy") as tensors:
            tensors.keys()
    except (SafetensorError, OSError) as error:
        yield f"{path} is not a whole safetensors file ({error})."


def _find_broken_indexes(folder: Path, paths: list[str]) -> Iterator[str]:
    for path in paths:
        if not path.endswith(INDEX):
            continue
        try:
            index: Any = json.loads((folder / path).read_bytes())
            shards = sorted(set(index["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError):
            yield f"{path} is not an index of safetensors files."
            continue
        place = path.rpartition("/")[0]
        missing = [
            shard for shard in shards if (f"{place}/{shard}" if place else shard) not in paths
        ]
        if missing:
            yield f"{path} names {missing[0]}, which is not in the folder."
