"""The supervisor against real processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from demo.supervisor import Program, Supervisor

PATIENCE = 15.0
GRANDCHILD = "import subprocess, sys; print(subprocess.Popen(['sleep', '600']).pid, flush=True); "


@pytest.fixture
def supervisor() -> Iterator[Supervisor]:
    made = Supervisor()
    yield made
    made.stop(seconds=1)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log" / "program.log"


def python(log: Path, code: str, *, name: str = "program", is_foundation: bool = False) -> Program:
    return Program(
        name, [sys.executable, "-c", code], os.environ, log, log.parents[1], is_foundation
    )


def wait_for(condition: Callable[[], object], look: Callable[[], None] = lambda: None) -> None:
    give_up_at = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < give_up_at
        look()
        time.sleep(0.02)


def lines(log: Path) -> list[str]:
    return log.read_text().splitlines() if log.exists() else []


def test_a_program_that_dies_is_told_and_started_again(
    supervisor: Supervisor, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = "import os; print('born', flush=True); os._exit(3) if not os.path.exists('once') and "
    code += "not open('once', 'w').close() else __import__('time').sleep(600)"
    log.parent.mkdir()
    supervisor.start(python(log, code))
    wait_for(lambda: lines(log).count("born") == 2, supervisor.look)
    assert supervisor.is_alive("program")
    assert capsys.readouterr().out == (
        f"  program ended with status 3 (born). Starting it again in 1 s; see {log}\n"
    )


def test_a_program_that_is_wrongly_configured_is_not_started_again(
    supervisor: Supervisor, log: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    supervisor.start(python(log, "import sys; print('DEPLOYMENT is not set'); sys.exit(2)"))
    seen: list[str] = []

    def look() -> None:
        supervisor.look()
        seen.extend(capsys.readouterr().out.splitlines())

    wait_for(lambda: seen, look)
    for _ in range(5):
        supervisor.look()
    assert seen == [f"  program cannot run: ended with status 2 (DEPLOYMENT is not set). See {log}"]
    assert not supervisor.is_alive("program")
    assert lines(log) == ["DEPLOYMENT is not set"]


def test_the_others_go_on(supervisor: Supervisor, log: Path, tmp_path: Path) -> None:
    supervisor.start(
        python(tmp_path / "log" / "web.log", "import time; time.sleep(600)", name="web")
    )
    supervisor.start(python(log, "import sys; sys.exit(2)"))
    wait_for(lambda: not supervisor.is_alive("program"), supervisor.look)
    assert supervisor.is_alive("web")


def test_stopping_ends_what_a_program_started(supervisor: Supervisor, log: Path) -> None:
    """Even processes that ignore their parent's end, like an engine's workers."""
    supervisor.start(python(log, GRANDCHILD + "import time; time.sleep(600)"))
    wait_for(lambda: lines(log))
    grandchild = psutil.Process(int(lines(log)[0]))
    supervisor.stop(seconds=5)
    wait_for(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE)


def test_what_does_not_end_by_itself_is_killed(supervisor: Supervisor, log: Path) -> None:
    stubborn = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); "
    supervisor.start(python(log, stubborn + "print('up', flush=True); time.sleep(600)"))
    wait_for(lambda: lines(log))
    supervisor.stop(seconds=0.2)
    assert not supervisor.is_alive("program")


def test_foundations_end_last(supervisor: Supervisor, tmp_path: Path) -> None:
    tell = "import signal, sys, time; from pathlib import Path\n"
    tell += (
        "def end(*_):\n    time.sleep({delay}); open('ends', 'a').write('{name} '); sys.exit(0)\n"
    )
    tell += "signal.signal(signal.SIGTERM, end); print('up', flush=True); time.sleep(600)"
    logs = [tmp_path / "log" / f"{name}.log" for name in ("broker", "web")]
    broker = tell.format(delay=0, name="broker")
    supervisor.start(python(logs[0], broker, name="broker", is_foundation=True))
    supervisor.start(python(logs[1], tell.format(delay=0.2, name="web"), name="web"))
    wait_for(lambda: all(lines(file) for file in logs))
    supervisor.stop(seconds=5)
    assert (tmp_path / "ends").read_text() == "web broker "


def test_a_killed_supervisor_leaves_nothing(log: Path, tmp_path: Path) -> None:
    code = f"""
import os, sys, time
from pathlib import Path
from demo.supervisor import Program, Supervisor
supervisor = Supervisor()
code = "import os, time; print(os.getpid(), flush=True); time.sleep(600)"
log, folder = Path({str(log)!r}), Path({str(tmp_path)!r})
supervisor.start(Program("program", [sys.executable, "-c", code], os.environ, log, folder))
time.sleep(600)
"""
    with subprocess.Popen([sys.executable, "-c", code]) as parent:
        wait_for(lambda: lines(log))
        child = psutil.Process(int(lines(log)[0]))
        parent.send_signal(signal.SIGKILL)
    wait_for(lambda: not child.is_running() or child.status() == psutil.STATUS_ZOMBIE)
