"""A bare checkout in which the tests can run make."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def make_checkout(folder: Path) -> Path:
    """The files that `make demo` needs before anything is installed."""
    for name in ("demo", "requirements"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "Makefile", folder)
    return folder


def run_make(checkout: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make WORDS` as a person would run it, with this test's Python."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PIP_", "UV_", "MAKE")) and name not in {"DATABASE_URL", "CI"}
    }
    return subprocess.run(
        ["make", "--no-print-directory", *words, f"PYTHON={sys.executable}"],
        cwd=checkout,
        env={**kept, "PIP_CONFIG_FILE": os.devnull, **environment},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The demo's one-line refusal, without the lines that make adds."""
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert len(lines) == 1, done.stderr
    return lines[0]
