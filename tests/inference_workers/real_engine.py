"""Real vLLM for the tests: weights made once, started by the real launcher."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from inference_workers.config import WorkerSettings
from inference_workers.contract import EngineState, GenerationRequest, SamplingParams
from inference_workers.engines.status import EngineStatus, read_status
from inference_workers.launcher.process import find_session
from inference_workers.worker import Worker
from tests.inference_workers.conftest import FakePortal

ROOT = Path(__file__).resolve().parents[2]
WEIGHTS_DIR = ROOT / "var" / "weights"
ENGINE_TOOLS = ROOT / "engine_tools"
START_SECONDS = 540


def engine_python() -> Path:
    """The interpreter with vLLM; without one the test is skipped, or fails in CI."""
    python = Path(os.environ.get("ENGINE_PYTHON") or ROOT / ".venv-engine" / "bin" / "python")
    if not python.exists():
        reason = (
            f"{python} does not exist: install requirements/engine-cpu.txt, or set ENGINE_PYTHON"
        )
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def run_tool(name: str, *arguments: str, stdin: str = "") -> str:
    """Run one of the engine tools with the engine's interpreter, and return its output."""
    command = [str(engine_python()), str(ENGINE_TOOLS / name), *arguments]
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        command, input=stdin, capture_output=True, text=True, env=env, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def continue_greedily(weights: Path, requests: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The results of transformers for a list of {"prompt", "max_tokens"}."""
    replies: list[dict[str, Any]] = json.loads(
        run_tool("greedy_reference.py", str(weights), stdin=json.dumps(requests))
    )
    return replies


@dataclass
class RealEngine:
    """One deployment's engine under its launcher, on a socket in its own folder."""

    deployment: str
    folder: Path
    launcher: subprocess.Popen[bytes]

    @property
    def weights(self) -> Path:
        return WEIGHTS_DIR / self.deployment

    @property
    def status(self) -> EngineStatus | None:
        return read_status(self.folder / self.deployment / "status.json")

    @property
    def pid(self) -> int:
        """The API server's process id."""
        status = self.status
        assert status is not None
        assert status.pid is not None
        return status.pid

    def worker_settings(self, redis_url: str) -> WorkerSettings:
        values = {
            "redis_url": redis_url,
            "deployment": self.deployment,
            "engine_dir": self.folder,
            "weights_dir": WEIGHTS_DIR,
        }
        return WorkerSettings.model_validate(values)

    def process_names(self) -> list[str]:
        files = [Path(f"/proc/{pid}/cmdline") for pid in find_session(self.pid)]
        return [file.read_text().split("\0")[0] for file in files]

    def is_ready(self) -> bool:
        status = self.status
        return status is not None and status.state is EngineState.READY

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while not self.is_ready():
            log = self.folder / self.deployment / "engine.log"
            tail = log.read_text()[-3000:] if log.exists() else ""
            assert self.launcher.poll() is None, f"the launcher ended\n{tail}"
            assert time.monotonic() < deadline, f"the engine did not start in time\n{tail}"
            time.sleep(0.2)

    def stop(self) -> list[int]:
        """Stop the launcher, and return the pids of the engine's remaining processes."""
        status = self.status
        self.launcher.send_signal(signal.SIGTERM)
        self.launcher.wait(60)
        left = find_session(status.pid) if status is not None and status.pid else []
        shutil.rmtree(self.folder, ignore_errors=True)
        return left


def launch(deployment: str) -> RealEngine:
    """Start the deployment's engine with the real launcher; does not wait for it."""
    # Not pytest's folder: its path may be longer than a socket's may be.
    folder = Path(tempfile.mkdtemp(prefix="gatehouse-engine-"))
    env = {
        **os.environ,
        "ENGINE_DIR": str(folder),
        "WEIGHTS_DIR": str(WEIGHTS_DIR),
        "ENGINE_PYTHON": str(engine_python()),
        "LOG_FORMAT": "console",
    }
    command = [
        sys.executable,
        "-m",
        "inference_workers",
        "launch",
        "--stop-with-parent",
        deployment,
    ]
    log = (folder / "launcher.log").open("wb")
    with log:
        launcher = subprocess.Popen(command, cwd=ROOT, env=env, stdout=log, stderr=log)
    return RealEngine(deployment=deployment, folder=folder, launcher=launcher)


async def start_worker_of(engine: RealEngine, url: str, portal: FakePortal) -> Worker:
    settings = engine.worker_settings(url)
    worker = Worker(settings, settings.load_deployment(), send=portal.send)
    await worker.start()
    return worker


def ask(deployment: str, prompt: str, max_tokens: int, **sampling: Any) -> GenerationRequest:
    values = {"max_tokens": max_tokens, "temperature": 0.0, **sampling}
    return GenerationRequest(
        job_id=uuid4(),
        deployment=deployment,
        prompt=prompt,
        sampling=SamplingParams.model_validate(values),
        deadline_at=datetime.now(UTC) + timedelta(seconds=900),
    )


def visible(text: str) -> str:
    """Text as a reader gets it: without an unfinished character at its end."""
    return text.rstrip("\N{REPLACEMENT CHARACTER}")
