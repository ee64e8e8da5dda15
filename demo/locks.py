"""A lock on a file, released when the process that holds it ends."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.terminal import RefusalError


@contextmanager
def hold_lock(path: Path, *, refusal: str, note: str = "") -> Iterator[None]:
    """Hold `path` for the block; raises `RefusalError` if another process holds it.

    `note` is written into the file. In `refusal`, `{note}` is replaced by the holder's note.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise RefusalError(refusal.format(note=path.read_text().strip())) from None
        file.truncate(0)
        file.write(note)
        file.flush()
        yield
