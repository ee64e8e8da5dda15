"""The launcher's status of its engine, in a file that is always complete."""

from __future__ import annotations

import os
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from pydantic import BaseModel, ConfigDict, ValidationError

from inference_workers.contract import EngineState

REFRESH_SECONDS = 5
STALE_SECONDS = 30


class EngineStatus(BaseModel):
    """One launcher's view of its engine."""

    model_config = ConfigDict(frozen=True)

    deployment: str
    state: EngineState
    since: datetime
    updated_at: datetime
    launcher_pid: int
    pid: int | None = None
    """The engine's first process, the leader of its process group and session."""
    pid_started: int | None = None
    """The process's start time from the kernel, so that a reused pid is not mistaken for it."""
    last_start_seconds: float | None = None
    restarts: int = 0
    detail: str = ""

    @property
    def is_stale(self) -> bool:
        """Whether the launcher stopped refreshing the file without reporting its end."""
        return (datetime.now(UTC) - self.updated_at).total_seconds() > STALE_SECONDS


def read_status(file: Path) -> EngineStatus | None:
    """The status, or None if it cannot be read."""
    try:
        return EngineStatus.model_validate_json(file.read_bytes())
    except (OSError, ValidationError):
        return None


def write_status(file: Path, status: EngineStatus) -> None:
    """Replace the file atomically; raises OSError."""
    handle, name = tempfile.mkstemp(prefix=".status-", dir=file.parent)
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as stream:
            stream.write(status.model_dump_json())
        Path(name).replace(file)
    except OSError:
        Path(name).unlink(missing_ok=True)
        raise
