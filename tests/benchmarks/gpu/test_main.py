"""The command where there is no GPU."""

from __future__ import annotations

import subprocess
import sys

from benchmarks.marked_section import PERFORMANCE
from demo.place import ROOT


def test_without_a_gpu_one_line_refuses_and_the_page_stays() -> None:
    before = PERFORMANCE.read_bytes()

    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.gpu"],
        cwd=ROOT,
        # No GPU is seen on a machine that has some, either.
        env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        (
            "Gatehouse: no GPU: nvidia-smi lists none that CUDA_VISIBLE_DEVICES leaves; run this "
            "on a host that has one, or see it work with --device cpu"
        )
    ]
    assert PERFORMANCE.read_bytes() == before
