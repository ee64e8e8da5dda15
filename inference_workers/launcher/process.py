"""An engine's process tree: started as one session, and gone as one."""

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
"""As nice values. Weaker ones make it slower to take over from another engine on the same cores;
docs/decisions/engines-give-way.md has the figures."""

_libc = ctypes.CDLL(None, use_errno=True)


@dataclass(frozen=True, slots=True)
class ProcessInfo:
    """What /proc tells of one process."""

    pid: int
    parent: int
    group: int
    session: int
    started: int
    """In clock ticks since the machine's boot; with the pid it names a process for ever."""


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent dies, so that none escapes."""
    _libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def stop_with_parent() -> None:
    """Get SIGTERM when the process that started this one dies."""
    _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def read_process(pid: int) -> ProcessInfo | None:
    """The process, or None if there is none or only its zombie is left."""
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
    """Pids of the living processes in the session or process group that `leader` began."""
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
    """End every process of the session: SIGTERM to its leader, SIGKILL to whatever stays.

    The leader, asked alone, ends its own children in order. What is killed ends only when it is
    given a core to end on, and has to take its memory down first: that is waited for, however long
    it takes, and `remind` hears of the processes that are left every REMIND_SECONDS.
    """
    # The dying take their memory down at the weight that they lived with.
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

    When this process dies, however it dies, the kernel sends the engine SIGTERM. One that
    `gives_way` stands behind every other session of the host for the cores.
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
        # The kernel can otherwise leave a session that mostly sleeps, as a worker does, waiting
        # for ten seconds beside one that keeps every core busy.
        weigh_session(process.pid, BEHIND_OTHERS)
    return process


def weigh_session(pid: int, nice: int) -> None:
    """Set the weight of the process' whole session, where the kernel has one for sessions."""
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
    """Take the exit statuses of adopted processes; the leader's own belongs to asyncio."""
    for pid in _list_pids():
        fields = _read_stat(pid)
        is_ours = fields is not None and fields[0] == "Z" and int(fields[1]) == os.getpid()
        if is_ours and pid != leader:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)


def _list_pids() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _read_stat(pid: int) -> list[str] | None:
    """The fields of /proc/PID/stat behind the name, which may itself hold brackets and blanks."""
    try:
        stat = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return stat.rpartition(")")[2].split()
