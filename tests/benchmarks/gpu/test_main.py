"""The command on a machine without a GPU."""

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
        # Hides the GPUs of a machine that has some.
        env={"CUDA_VISIBLE_DEVICES": "", "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 2
    assert done.stderr.splitlines() == [
        (
            "Gatehouse: no GPU: nvidia-smi lists none that CUDA_VISIBLE_DEVICES allows; run this "
            "on a host with a GPU, or try it with --device cpu"
        )
    ]
    assert PERFORMANCE.read_bytes() == before
