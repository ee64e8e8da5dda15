"""Killed processes are waited for, however long they take to end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from inference_workers.launcher import launch
from inference_workers.launcher import process as engine_process
from inference_workers.launcher.process import BEHIND_OTHERS, find_session, stop_session
from tests.inference_workers.conftest import MODELS_FILE

DEAF = """
import signal, sys
for number in (signal.SIGTERM, signal.SIGWINCH):
    signal.signal(number, signal.SIG_IGN)
print("deaf", flush=True)
signal.pause()
"""


@pytest.fixture
def deaf() -> Iterator[subprocess.Popen[str]]:
    """A process that ignores all signals but SIGKILL, in its own session."""
    with subprocess.Popen(
        [sys.executable, "-c", DEAF], stdout=subprocess.PIPE, text=True, start_new_session=True
    ) as process:
        engine_process.weigh_session(process.pid, BEHIND_OTHERS)
        assert process.stdout is not None
        assert process.stdout.readline() == "deaf\n"
        yield process
        process.kill()


def test_a_process_that_is_slow_to_die_is_named_and_waited_for(
    deaf: subprocess.Popen[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """A killed engine took 20 s to end on a busy machine; its launcher gave up after 10."""
    monkeypatch.setattr(engine_process, "LAST_SIGNAL", signal.SIGWINCH)
    monkeypatch.setattr(engine_process, "REMIND_SECONDS", 0.0)
    reminders: list[tuple[list[int], str]] = []

    def remind(left: Sequence[int]) -> None:
        group = Path(f"/proc/{deaf.pid}/autogroup")
        reminders.append((list(left), group.read_text().split()[-1] if group.exists() else "0"))
        if len(reminders) == 2:
            os.kill(deaf.pid, signal.SIGKILL)

    stop_session(deaf.pid, term_seconds=0.0, remind=remind)

    assert reminders == [([deaf.pid], "0"), ([deaf.pid], "0")]
    assert find_session(deaf.pid) == []


def test_an_error_of_the_system_names_the_deployment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`TimeoutError` is an `OSError` without a file, and was reported as "None: ..."."""
    monkeypatch.setenv("ENGINE_DIR", str(tmp_path))
    monkeypatch.setenv("MODELS_FILE", str(MODELS_FILE))

    async def fail(*_: object) -> None:
        raise TimeoutError("it took too long")

    monkeypatch.setattr(launch, "launch", fail)
    monkeypatch.setattr(launch, "configure_logging", lambda **_: None)

    with pytest.raises(SystemExit):
        launch.main(["fake-vllm"])

    assert capsys.readouterr().err == "inference_workers: fake-vllm: it took too long\n"
