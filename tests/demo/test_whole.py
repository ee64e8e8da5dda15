"""`python -m demo` with its own servers: it starts, refuses a second demo, stops, keeps data."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psutil
import psycopg
import pytest

from demo.services import postgres_is_running, start_postgres
from tests.demo.checkout import ROOT

pytestmark = pytest.mark.engine

START_SECONDS = 90
STOP_SECONDS = 60


@pytest.fixture
def port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        chosen: int = probe.getsockname()[1]
        return chosen


def environment(var: Path, port: int) -> dict[str, str]:
    ours = {"DATABASE_URL", "REDIS_URL", "SECRET_KEY", "SITE_URL", "ALLOWED_HOSTS", "LOG_LEVEL"}
    kept = {name: value for name, value in os.environ.items() if name not in ours}
    weights = ROOT / "var" / "weights"
    return {**kept, "VAR_DIR": str(var), "WEIGHTS_DIR": str(weights), "PORT": str(port)}


@contextmanager
def running_demo(var: Path, port: int) -> Iterator[dict[str, Any]]:
    """The demo's card once the site responds; stopped by SIGINT, which must leave no process."""
    output = var.with_suffix(".out")
    with output.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=environment(var, port),
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        give_up_at = time.monotonic() + START_SECONDS
        while not (var / "demo.json").exists():
            assert process.poll() is None, output.read_text()
            assert time.monotonic() < give_up_at, output.read_text()
            time.sleep(0.1)
        yield json.loads((var / "demo.json").read_text())
    finally:
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGINT)
        process.wait(STOP_SECONDS)
        left = [one for one in family if one.is_running()]
        for one in left:
            one.kill()
    assert left == []
    assert process.returncode == 0
    assert not postgres_is_running(var / "postgres")
    assert [file for file in var.rglob("*") if file.is_socket()] == []


def count_people(var: Path) -> int:
    with psycopg.connect(start_postgres(var / "postgres")) as database:
        row = database.execute("SELECT count(*) FROM accounts_user").fetchone()
        assert row is not None
        return int(row[0])


def test_it_starts_refuses_a_second_stops_and_remembers(server_folder: Path, port: int) -> None:
    var = server_folder / "var"
    with running_demo(var, port) as card:
        assert card["url"] == f"http://127.0.0.1:{port}"
        assert [account["role"] for account in card["accounts"]] == [
            "applicant",
            "researcher",
            "reviewer",
            "reviewer2",
            "operator",
            "auditor",
        ]
        assert card["model"] == "smollm2-135m"
        assert (Path(card["weights"]) / "model.safetensors").is_file()
        assert card["api_key"] == (var / "api_key").read_text()
        with urllib.request.urlopen(f"{card['url']}/readyz", timeout=5) as answer:
            assert json.load(answer)["status"] == "ok"
        second = subprocess.run(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=environment(var, port),
            capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert second.returncode == 2
        assert second.stderr.startswith(
            f"Gatehouse: the demo of this folder is already running ({card['url']}, process "
        )
        people, key = count_people(var), (var / "secret_key").read_text()
    with running_demo(var, port) as again:
        assert again == card
        assert count_people(var) == people
        assert (var / "secret_key").read_text() == key
