"""`conversion.json` in the output folder: what is checked and written, for the next start."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from engine_tools.metaseq.errors import CannotWriteError
from engine_tools.metaseq.file_names import CheckpointFiles

NAME = "conversion.json"


@dataclass(kw_only=True)
class Journal:
    """The progress of one conversion. Code that changes it must call `save`."""

    folder: Path
    plan: str
    """A digest of the source files' names, sizes and times, and of the options."""
    md5: dict[str, str] = field(default_factory=dict)
    """MD5 sums of source files, by the file's name and state (see `describe_file`)."""
    sha256: dict[str, str] = field(default_factory=dict)
    """SHA-256 sums of complete output files."""
    complete: bool = False

    def save(self) -> None:
        values = {
            "plan": self.plan,
            # Copied in one step: other threads may be adding to it.
            "md5": dict(self.md5),
            "sha256": self.sha256,
            "complete": self.complete,
        }
        write_text(self.folder / NAME, json.dumps(values, indent=1, sort_keys=True) + "\n")


def open_journal(folder: Path, *, plan: str) -> Journal:
    """The folder's journal, or a new one. Creates the folder.

    Raises `CannotWriteError` if the folder holds something else, or another conversion.
    """
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / NAME
    if not file.is_file():
        if any(entry.name != f"{NAME}.partial" for entry in folder.iterdir()):
            raise CannotWriteError(
                f"{folder}: is not empty and was not created by this tool; choose another folder"
            )
        return Journal(folder=folder, plan=plan)
    try:
        values = json.loads(file.read_text(encoding="utf-8"))
        journal = Journal(
            folder=folder,
            plan=str(values["plan"]),
            md5=dict(values["md5"]),
            sha256=dict(values["sha256"]),
            complete=bool(values["complete"]),
        )
    except (ValueError, LookupError, TypeError):
        raise CannotWriteError(f"{file}: cannot be read; remove {folder} and start again") from None
    if not any(folder.glob("*.safetensors")):
        # Nothing is written yet, so a source file may have been downloaded again.
        journal.plan = plan
    if journal.plan != plan:
        raise CannotWriteError(
            f"{folder}: was started from other files or with other options; finish it with those, "
            "choose another folder, or remove it"
        )
    return journal


def describe_plan(files: CheckpointFiles, *, options: Iterable[object]) -> str:
    """A digest that changes when a source file or an option changes."""
    digest = hashlib.sha256(repr(list(options)).encode())
    for path in files.paths:
        digest.update(describe_file(path).encode())
    return digest.hexdigest()


def describe_file(path: Path) -> str:
    """A file's name with its size and modification time."""
    state = path.stat()
    return f"{path.name} {state.st_size} {state.st_mtime_ns}"


def write_text(path: Path, text: str) -> None:
    """Replace a file atomically: a reader sees the old text or the new one."""
    partial = path.with_name(f"{path.name}.partial")
    with partial.open("w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    partial.rename(path)
