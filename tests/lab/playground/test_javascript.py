"""Modules of the playground that need no page, tested by Node's own runner."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent / "js"


def test_modules_that_need_no_page() -> None:
    node = Path(sys.executable).parent / "node"
    # Named one by one, because a pattern that matches no file passes.
    files = sorted(FOLDER.glob("*.test.js"))
    assert files
    # The limit ends a file of tests with an endless loop.
    done = subprocess.run(
        [node, "--test", "--test-timeout=20000", *files],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )

    assert done.returncode == 0, done.stdout
