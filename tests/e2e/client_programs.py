"""The programs of `clients/`, run in the environment that has the real packages."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from tests.plugin import ROOT

CLIENTS = Path(__file__).with_name("clients")
SECONDS = 400


def clients_python() -> Path:
    """The interpreter with the clients; without one the test is skipped, or fails in CI."""
    python = ROOT / ".venv-clients" / "bin" / "python"
    if not python.exists():
        reason = f"{python} does not exist: python3 -m demo.bootstrap clients makes it"
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    return python


def run_client(
    name: str, *arguments: str, stdin: object = None, env: Mapping[str, str] | None = None
) -> Any:
    """The JSON in the last line that the program prints."""
    done = subprocess.run(
        [clients_python(), CLIENTS / f"{name}.py", *arguments],
        input=json.dumps(stdin),
        env={**os.environ, "HF_HUB_OFFLINE": "1", **(env or {})},
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
