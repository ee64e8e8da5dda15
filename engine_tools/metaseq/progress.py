"""Progress: a bar on a terminal, occasional lines in a log."""

from __future__ import annotations

import sys
import threading
from typing import Any, Self

STEPS = 10
"""A log gets a line for each tenth."""


class Progress:
    """Shows the bytes of one stage on standard error. A context manager; thread-safe."""

    def __init__(self, stage: str, *, total: int) -> None:
        self.stage, self.total, self.done = stage, total, 0
        self._lock = threading.Lock()
        self._bar: Any = _open_bar(stage, total) if sys.stderr.isatty() else None

    def __enter__(self) -> Self:
        if self._bar is None:
            self._say()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bar is not None:
            self._bar.close()

    def add(self, count: int) -> None:
        with self._lock:
            before, self.done = self.done, self.done + count
            if self._bar is not None:
                self._bar.update(count)
            elif self.total and before * STEPS // self.total != self.done * STEPS // self.total:
                self._say()

    def _say(self) -> None:
        percent = 100 * self.done // self.total if self.total else 100
        line = f"metaseq: {self.stage} {percent} % of {describe_bytes(self.total)}"
        print(line, file=sys.stderr, flush=True)


def describe_bytes(count: int) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e9 else f"{count / 1e6:.1f} MB"


def _open_bar(stage: str, total: int) -> Any:
    try:
        from tqdm import tqdm
    except ImportError:
        return None
    return tqdm(total=total, desc=stage, unit="B", unit_scale=True, dynamic_ncols=True)
