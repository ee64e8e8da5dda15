"""Servers that a benchmark starts beside the stack."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

STOP_SECONDS = 15


@contextmanager
def running_server(
    command: Sequence[str | Path],
    *,
    environment: Mapping[str, str],
    folder: Path,
    log: Path,
    is_ready: Callable[[], bool],
    seconds: float,
) -> Iterator[int]:
    """The process id of a server that responds; it ends with the context.

    Ends the program with one line if the server dies or does not respond within `seconds`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        process = subprocess.Popen(
            list(command), env=dict(environment), cwd=folder, stdin=subprocess.DEVNULL,
            stdout=output, stderr=subprocess.STDOUT, start_new_session=True,
        )  # fmt: skip
    try:
        give_up_at = time.monotonic() + seconds
        while not is_ready():
            if process.poll() is not None or time.monotonic() > give_up_at:
                raise SystemExit(f"{command[0]} does not respond; see {log}")
            time.sleep(0.2)
        yield process.pid
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
