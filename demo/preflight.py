"""The conditions for a start of the demo, each checked first and refused in one line."""

from __future__ import annotations

import errno
import shutil
import socket
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path

from demo.locks import hold_lock
from demo.terminal import RefusalError

ROOT = Path(__file__).resolve().parents[1]
HOST = "127.0.0.1"
DEFAULT_PORT = 8000
GIB = 1024**3
RUNNING_NEEDS = GIB // 2


def check_demo(environment: Mapping[str, str]) -> None:
    """Refuse immediately what would otherwise fail after minutes of installing."""
    var = read_var(environment)
    with hold_demo_lock(var, note="it is about to start"):
        # Left by a demo that was killed; a script must not take it for the one that starts.
        (var / "demo.json").unlink(missing_ok=True)
        check_port(read_port(environment))
        check_space(var, needed=RUNNING_NEEDS, what="the demo's data")


def read_var(environment: Mapping[str, str]) -> Path:
    """`VAR_DIR`, or `var/` in the checkout."""
    return Path(environment.get("VAR_DIR") or ROOT / "var").absolute()


def hold_demo_lock(var: Path, *, note: str) -> AbstractContextManager[None]:
    """The lock that a running demo holds; a second demo shows its `note`."""
    return hold_lock(
        var / "demo.lock",
        refusal="the demo of this folder is already running ({note}). Stop it with Ctrl-C first.",
        note=note,
    )


def read_port(environment: Mapping[str, str]) -> int:
    """`PORT`, or the default."""
    text = environment.get("PORT") or str(DEFAULT_PORT)
    if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 65535:
        raise RefusalError(f"PORT={text} is not a port; give a number from 1 to 65535.")
    return int(text)


def check_port(port: int) -> None:
    """Raise `RefusalError` unless this process could listen on the port now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                raise RefusalError(
                    f"port {port} is in use by another program. "
                    f"Choose another: make demo PORT={port + 1 if port < 65535 else 8001}"
                ) from None
            raise RefusalError(f"port {port} cannot be used: {error.strerror}.") from None


def check_space(
    folder: Path,
    *,
    needed: int,
    what: str,
    free_space: Callable[[Path], int] = lambda folder: shutil.disk_usage(folder).free,
) -> None:
    """Raise `RefusalError` if the disk of `folder` has less than `needed` bytes free."""
    free = free_space(folder)
    if free < needed:
        raise RefusalError(
            f"the disk is too full: {what} needs {needed / GIB:.1f} GiB "
            f"and {folder} has {free / GIB:.1f} GiB free."
        )
