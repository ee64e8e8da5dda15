"""The launcher as it runs on a host, with a stand-in for vLLM."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from inference_workers.contract import EngineState
from inference_workers.engines.status import EngineStatus, read_status
from inference_workers.launcher.process import find_session, read_process
from tests.inference_workers.conftest import MODELS_FILE

ROOT = Path(__file__).resolve().parents[2]
FAKE_VLLM = Path(__file__).with_name("fake_vllm")


def wait_for(condition: Callable[[], object], *, seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "did not happen in time"
        time.sleep(0.02)


def is_alive(pid: int) -> bool:
    return read_process(pid) is not None


def write_safetensors(file: Path, size: int = 0) -> None:
    """A file with one tensor of this many bytes."""
    header = b'{"w":{"dtype":"U8","shape":[%d],"data_offsets":[0,%d]}}' % (size, size)
    file.write_bytes(len(header).to_bytes(8, "little") + header + bytes(size))


class Host:
    """One host's folders, and the launchers started on it."""

    def __init__(self, folder: Path, *, deployment: str = "fake-vllm") -> None:
        self.deployment = deployment
        # Not pytest's folder: its path may be longer than a socket's may be.
        self.engine_dir = Path(tempfile.mkdtemp(prefix="gatehouse-"))
        self.weights = folder / "weights" / "fake-vllm"
        self.weights.mkdir(parents=True)
        (self.weights / "config.json").write_text("{}")
        write_safetensors(self.weights / "model.safetensors")
        self.launchers: list[subprocess.Popen[str]] = []
        self.env = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": f"{FAKE_VLLM}{os.pathsep}{ROOT}",
            "MODELS_FILE": str(MODELS_FILE),
            "ENGINE_DIR": str(self.engine_dir),
            "WEIGHTS_DIR": str(folder / "weights"),
            "ENGINE_PYTHON": sys.executable,
            "LOG_FORMAT": "console",
            "REDIS_URL": "redis://secret@nowhere",
            "UNWANTED": "1",
        }

    @property
    def folder(self) -> Path:
        return self.engine_dir / self.deployment

    @property
    def status(self) -> EngineStatus | None:
        return read_status(self.folder / "status.json")

    @property
    def child(self) -> int:
        return int((self.weights / "child.pid").read_text())

    def launch(self, *arguments: str) -> subprocess.Popen[str]:
        launcher = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "inference_workers",
                "launch",
                *(arguments or (self.deployment,)),
            ],
            cwd=ROOT,
            env=self.env,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.launchers.append(launcher)
        return launcher

    def is_ready(self) -> bool:
        status = self.status
        return status is not None and status.state is EngineState.READY

    def wait_until_ready(self) -> EngineStatus:
        wait_for(self.is_ready)
        status = self.status
        assert status is not None
        return status

    def clean_up(self) -> None:
        status = self.status
        for launcher in self.launchers:
            launcher.kill()
            launcher.communicate()
        if status is not None and status.pid is not None:
            for pid in find_session(status.pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self.engine_dir)
