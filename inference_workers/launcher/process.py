"""An engine's process tree, started and ended as one session."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
POLL_SECONDS = 0.1
TERM_SECONDS = 15.0
LAST_SIGNAL = signal.SIGKILL
REMIND_SECONDS = 10.0
DEAD_STATES = frozenset("ZX")
BESIDE_OTHERS = 0
BEHIND_OTHERS = 5
"""As nice values. Higher ones make it slower to take over from another engine on the same cores;
docs/decisions/engines-give-way.md has the figures."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """Facts about one process from /proc."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    """In clock ticks since the machine's boot; with the pid, it identifies a process uniquely."""


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none is lost."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stop_with_parent() -> None:
    """Get SIGTERM when the process that started this one dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def read_process(pid: int) -> ProcessInfo | None:
    """The process, or None if it does not exist or is a zombie."""
    fields = _read_stat(pid)
    if fields is None or fields[0] in DEAD_STATES:
        return None
    return ProcessInfo(
        pid=pid,
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        started=int(fields[19]),
    )


def find_session(leader: int) -> list[int]:
    """Pids of the living processes in the session or process group of `leader`."""
    processes = (read_process(pid) for pid in _list_pids())
    return sorted(
        process.pid
        for process in processes
        if process is not None and leader in (process.session, process.group)
    )


def stop_session(
    leader: int,
    *,
    term_seconds: float = TERM_SECONDS,
    remind: Callable[[Sequence[int]], None] | None = None,
) -> None:
    """End every process of the session: SIGTERM to its leader, then SIGKILL to the rest.

    After SIGTERM, the leader ends its own children in order. A killed process needs a core and must
    free its memory before it ends. This waits for that without a limit, and calls `remind` with the
    remaining processes every REMIND_SECONDS.
    """
    # A dying process frees its memory with the weight that it had, so reset the weight first.
    for pid in find_session(leader)[:1]:
        weigh_session(pid, BESIDE_OTHERS)
    if read_process(leader) is not None:
        _signal(leader, signal.SIGTERM)
        if _wait_until_gone(leader, seconds=term_seconds):
            return
    reminded_at = time.monotonic()
    while True:
        for pid in find_session(leader):
            _signal(pid, LAST_SIGNAL)
        if _wait_until_gone(leader, seconds=1.0):
            return
        if time.monotonic() - reminded_at >= REMIND_SECONDS:
            reminded_at = time.monotonic()
            if remind is not None:
                remind(find_session(leader))


async def start_engine(
    command: Sequence[str], *, env: Mapping[str, str], log: int, gives_way: bool = False
) -> asyncio.subprocess.Process:
    """Start the engine as the leader of its own session; raises OSError.

    When this process dies in any way, the kernel sends SIGTERM to the engine. With `gives_way`,
    every other session of the host has priority on the cores.
    """
    process = await asyncio.create_subprocess_exec(
        *command,
        env=dict(env),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        start_new_session=True,
        preexec_fn=stop_with_parent,
    )
    if gives_way:
        # Otherwise the kernel may let a session that mostly sleeps, such as a worker, wait for
        # 10 seconds beside one that keeps every core busy.
        weigh_session(process.pid, BEHIND_OTHERS)
    return process


def weigh_session(pid: int, nice: int) -> None:
    """Set the weight of the process's whole session, if the kernel supports this."""
    with contextlib.suppress(OSError):
        Path(f"/proc/{pid}/autogroup").write_text(str(nice), encoding="ascii")


def _signal(pid: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, number)


def _wait_until_gone(leader: int, *, seconds: float) -> bool:
    deadline = time.monotonic() + seconds
    while True:
        reap_adopted(leader)
        if not find_session(leader):
            reap_adopted(leader)
            return True
        if time.monotonic() >= deadline:
            return False
        time.sleep(POLL_SECONDS)


def reap_adopted(leader: int) -> None:
    """Collect the exit statuses of adopted processes; asyncio collects the leader's."""
    for pid in _list_pids():
        fields = _read_stat(pid)
        is_ours = fields is not None and fields[0] == "Z" and int(fields[1]) == os.getpid()
        if is_ours and pid != leader:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _list_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _read_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat after the name, which may contain brackets and spaces."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()
