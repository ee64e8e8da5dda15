"""One launcher per deployment and host."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path

from inference_workers.errors import LaunchError


def lock_deployment(folder: Path) -> int:
    """Take the deployment's lock while this process lives; return its descriptor.

    Raises `LaunchError` if another launcher has it. Children do not inherit the lock.
    """
    try:
        descriptor = os.open(folder / "launcher.lock", os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise LaunchError(f"{folder} is not writable: {error.strerror}") from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        holder = os.read(descriptor, 32).decode().strip() or "unknown"
        os.close(descriptor)
        raise LaunchError(f"another launcher (pid {holder}) has {folder}") from None
    os.ftruncate(descriptor, 0)
    os.write(descriptor, str(os.getpid()).encode())
    return descriptor
