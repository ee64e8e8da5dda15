"""Where the demo keeps its files: everything is under `var/`, or under `VAR_DIR`."""

from __future__ import annotations

import hashlib
import os
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from demo.preflight import ROOT, read_var

__all__ = ["ROOT", "Place"]
LONGEST_SOCKET_FOLDER = 60
"""Sockets below it must stay within the 107 bytes that the kernel allows."""


@dataclass(frozen=True)
class Place:
    """The folders and files of one demo."""

    root: Path = ROOT
    var: Path = ROOT / "var"
    weights: Path = ROOT / "var" / "weights"

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """`VAR_DIR` and `WEIGHTS_DIR` move the state and the weights, as the tests do."""
        var = read_var(environment)
        return cls(var=var, weights=Path(environment.get("WEIGHTS_DIR") or var / "weights"))

    @property
    def logs(self) -> Path:
        return self.var / "log"

    @property
    def postgres(self) -> Path:
        return self.var / "postgres"

    @property
    def valkey(self) -> Path:
        return self.var / "valkey"

    @property
    def card(self) -> Path:
        """The file in which scripts find the data of the running demo."""
        return self.var / "demo.json"

    @property
    def python(self) -> Path:
        return self.root / ".venv" / "bin" / "python"

    @property
    def engine_python(self) -> Path:
        return self.root / ".venv-engine" / "bin" / "python"

    def program(self, name: str) -> Path:
        """A command of `.venv`."""
        return self.python.with_name(name)

    def sockets(self) -> Path:
        """A folder that only this user can read, short enough for a Unix socket's path.

        `var/run`, or if the checkout's path is too long, a folder in the system's temporary
        folder, the same at every start.
        """
        folder = self.var / "run"
        if len(os.fsencode(folder)) > LONGEST_SOCKET_FOLDER:
            name = hashlib.sha256(os.fsencode(self.var)).hexdigest()[:8]
            folder = Path(tempfile.gettempdir()) / f"gatehouse-{os.getuid()}-{name}"
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if folder.stat().st_uid != os.getuid():
            raise PermissionError(1, "this folder belongs to another user", os.fspath(folder))
        folder.chmod(0o700)
        return folder

    def secret_key(self) -> str:
        """The key, made at the first start and kept, so that sessions survive a restart."""
        file = self.var / "secret_key"
        if not file.exists():
            self.var.mkdir(parents=True, exist_ok=True)
            with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
                out.write(secrets.token_urlsafe(64))
        return file.read_text()
