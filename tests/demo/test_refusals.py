"""The demo refuses impossible requests in one clear line, before anything is installed."""

from __future__ import annotations

import fcntl
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.demo.checkout import ROOT, make_checkout, refusal, run_make


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    return make_checkout(tmp_path)


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server.getsockname()[1]


def test_a_taken_port(checkout: Path, taken_port: int) -> None:
    done = run_make(checkout, "demo", PORT=str(taken_port))
    assert refusal(done) == (
        f"Gatehouse: port {taken_port} is in use by another program. "
        f"Choose another: make demo PORT={taken_port + 1}"
    )
    assert not (checkout / ".venv").exists()


@pytest.mark.parametrize("port", ["http", "0", "70000", "-1", "8000.5"])
def test_a_port_that_is_none(checkout: Path, port: str) -> None:
    done = run_make(checkout, "demo", PORT=port)
    assert refusal(done) == (
        f"Gatehouse: PORT={port} is not a port; give a number from 1 to 65535."
    )


def test_a_second_start(checkout: Path) -> None:
    lock = checkout / "var" / "demo.lock"
    lock.parent.mkdir()
    with lock.open("w") as held:
        held.write("http://127.0.0.1:8000, process 4711")
        held.flush()
        fcntl.flock(held, fcntl.LOCK_EX)
        done = run_make(checkout, "demo")
    assert refusal(done) == (
        "Gatehouse: the demo of this folder is already running "
        "(http://127.0.0.1:8000, process 4711). Stop it with Ctrl-C first."
    )


@pytest.mark.slow
def test_no_package_index(checkout: Path, free_port: int) -> None:
    done = run_make(
        checkout, "demo", PORT=str(free_port), PIP_INDEX_URL="http://127.0.0.1:9/simple"
    )
    assert refusal(done) == (
        "Gatehouse: the package index cannot be reached. Check the network, or set PIP_INDEX_URL."
    )


@pytest.mark.slow
def test_a_package_index_without_what_is_needed(checkout: Path, free_port: int) -> None:
    done = run_make(
        checkout, "demo", PORT=str(free_port), PIP_NO_INDEX="1", PIP_FIND_LINKS=str(checkout)
    )
    pin = (ROOT / "requirements" / "bootstrap.txt").read_text().split()[-1]
    assert refusal(done) == (
        f"Gatehouse: the package index has no {pin} for this machine and Python. "
        f"See {checkout / 'var' / 'log' / 'install.log'} for the full reason."
    )


def test_a_python_that_is_too_old(checkout: Path) -> None:
    """Imitates the oldest Python that may be installed: only the version is checked."""
    done = subprocess.run(
        [
            sys.executable,
            "-c",
            (
                "import sys, runpy; sys.version_info = (3, 9, 18); sys.argv = ['bootstrap'];"
                "runpy.run_module('demo.bootstrap', run_name='__main__')"
            ),
        ],
        cwd=checkout,
        env={"PATH": "/nowhere"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (
        2,
        (
            f"Gatehouse needs Python 3.11 or newer, and {sys.executable} is 3.9. "
            "Install one and give its path: make demo PYTHON=/path/to/python3.11\n"
        ),
    )


@pytest.fixture
def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
