"""Keeps programs running: logs their output, reports and restarts dead ones, ends all."""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from demo.terminal import say

TICK_SECONDS = 0.2
STEADY_SECONDS = 30
"""After running this long, a program's earlier deaths no longer count."""
MAX_DELAY_SECONDS = 30
STOP_SECONDS = 20
EXIT_CONFIGURATION = 2
"""A program that ends with this status is not started again: that would not help."""
PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Program:
    """One process to keep running."""

    name: str
    command: Sequence[str | Path]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    """Its working directory."""
    is_foundation: bool = False
    """Other programs depend on it, so it ends after them."""


@dataclass
class _Running:
    """A program and its state."""

    program: Program
    process: subprocess.Popen[bytes]
    started_at: float
    deaths: int = 0
    start_again_at: float | None = None
    is_given_up: bool = False
    family: set[psutil.Process] = field(default_factory=set)
    """All its descendants, as of the last look."""

    @property
    def is_foundation(self) -> bool:
        return self.program.is_foundation

    @property
    def is_alive(self) -> bool:
        return self.process.returncode is None


class Supervisor:
    """Starts programs, starts them again when they die, and leaves nothing behind.

    Single-threaded: `run` calls `watch` between its looks at the processes. Must be used from
    the main thread, since a program gets SIGTERM when the thread that started it ends.
    """

    def __init__(self) -> None:
        self._running: list[_Running] = []
        self._stop_requested_at: float | None = None
        self._must_hurry = False

    def start(self, *programs: Program) -> None:
        """Start the programs in this order; raises `OSError` if that is impossible."""
        for program in programs:
            self._running.append(_Running(program, _spawn(program), time.monotonic()))

    def is_alive(self, name: str) -> bool:
        return any(one.is_alive for one in self._running if one.program.name == name)

    def pid_of(self, name: str) -> int:
        """The id of the program's process, or of its last if that died. Raises `LookupError`."""
        for one in self._running:
            if one.program.name == name:
                return one.process.pid
        raise LookupError(name)

    def request_stop(self) -> None:
        """Let `run` return at its next look; after a second call, `stop` does not wait.

        Safe in a signal handler. One Ctrl-C may arrive twice, directly and through make.
        """
        now = time.monotonic()
        if self._stop_requested_at is None:
            self._stop_requested_at = now
        elif now - self._stop_requested_at > 1:
            self._must_hurry = True

    def run(self, watch: Callable[[], None]) -> None:
        """Supervise the programs until `request_stop`."""
        while self._stop_requested_at is None:
            self.look()
            watch()
            time.sleep(TICK_SECONDS)

    def look(self) -> None:
        """Notice deaths, and restart programs that are due."""
        for one in self._running:
            if one.is_given_up:
                continue
            if one.start_again_at is not None:
                self._start_again(one)
            elif one.process.poll() is not None:
                self._notice_death(one)

    def stop(self, *, seconds: float = STOP_SECONDS) -> None:
        """End every program with all its descendants, foundations last."""
        for group in (False, True):
            self._stop(
                [one for one in self._running if one.program.is_foundation is group], seconds
            )
        self._running.clear()

    def _stop(self, group: Sequence[_Running], seconds: float) -> None:
        for one in group:
            one.family |= _family(one.process)
        for one in group:
            if one.process.poll() is None:
                one.process.terminate()
        give_up_at = time.monotonic() + seconds
        while any(one.process.poll() is None for one in group):
            if self._must_hurry or time.monotonic() > give_up_at:
                break
            time.sleep(0.05)
        for one in group:
            _kill_all(one)

    def _notice_death(self, one: _Running) -> None:
        program, status = one.program, one.process.returncode
        reason = f"{_describe_exit(status)}{_last_line(program.log)}"
        if status == EXIT_CONFIGURATION:
            one.is_given_up = True
            say(f"  {program.name} cannot run: {reason}. See {program.log}")
            return
        if time.monotonic() - one.started_at > STEADY_SECONDS:
            one.deaths = 0
        delay = min(2**one.deaths, MAX_DELAY_SECONDS)
        one.deaths += 1
        one.start_again_at = time.monotonic() + delay
        say(f"  {program.name} {reason}. Starting it again in {delay} s; see {program.log}")

    def _start_again(self, one: _Running) -> None:
        if one.start_again_at is None or time.monotonic() < one.start_again_at:
            return
        one.start_again_at = None
        one.started_at = time.monotonic()
        one.process = _spawn(one.program)


def _spawn(program: Program) -> subprocess.Popen[bytes]:
    program.log.parent.mkdir(parents=True, exist_ok=True)
    with program.log.open("ab") as log:
        return subprocess.Popen(
            list(program.command),
            env=dict(program.environment),
            cwd=program.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            # Ctrl-C reaches only the supervisor, which ends the programs in the right order.
            start_new_session=True,
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,  # noqa: PLW1509 -- this process has one thread
        )


def _end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the supervisor ends, for any reason."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)


def _family(process: subprocess.Popen[bytes]) -> set[psutil.Process]:
    try:
        return set(psutil.Process(process.pid).children(recursive=True))
    except psutil.Error:
        return set()


def _kill_all(one: _Running) -> None:
    """Kill the rest of the family; psutil also compares start times, so a reused pid is safe."""
    if one.process.poll() is None:
        one.process.kill()
    for process in one.family:
        with suppress(psutil.Error):
            process.kill()
    one.process.wait()


def _describe_exit(status: int | None) -> str:
    if status is not None and status < 0:
        return f"was killed by {signal.Signals(-status).name}"
    return f"ended with status {status}"


def _last_line(log: Path) -> str:
    """The last line that the program logged, in brackets."""
    with log.open("rb") as file:
        file.seek(max(0, file.seek(0, os.SEEK_END) - 4096))
        lines = [line.strip() for line in file.read().decode(errors="replace").splitlines()]
    text = next((line for line in reversed(lines) if line), "")
    return f" ({text[:160]})" if text else ""
