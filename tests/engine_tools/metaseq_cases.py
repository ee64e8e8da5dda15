"""Checkpoints in metaseq's layout, made once, and the converter as an operator runs it."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.inference_workers.real_engine import ROOT, engine_python

LAYOUT = Path(__file__).with_name("metaseq_layout.py")
SMALL_BLOCKS = """
import sys
from engine_tools.metaseq import __main__ as cli, output_tensors
output_tensors.BLOCK_BYTES = 1000
sys.exit(cli.main())
"""
"""The converter with so little memory that every tensor takes many steps."""
FULL_DISK = """
import shutil, sys
from collections import namedtuple
from engine_tools.metaseq import __main__ as cli
shutil.disk_usage = lambda _path: namedtuple("Usage", "free")(67_200_000)
sys.exit(cli.main())
"""
PAUSED = """
import signal, sys
from itertools import count
from engine_tools.metaseq import __main__ as cli, convert
# A shell that starts the tests in the background has them ignore Ctrl-C, and their children too.
signal.signal(signal.SIGINT, signal.default_int_handler)
read_blocks, numbers = convert.read_blocks, count()
def read_and_pause(*arguments):
    if next(numbers) == 12:
        signal.pause()
    yield from read_blocks(*arguments)
convert.read_blocks = read_and_pause
sys.exit(cli.main())
"""
"""The converter, stopped in the middle of its work to wait for a signal."""
PEAK_MEMORY = """
import re, sys
from pathlib import Path
from engine_tools.metaseq import __main__ as cli
status = cli.main()
print(re.search(r"VmHWM:\\s+(\\d+) kB", Path("/proc/self/status").read_text())[1])
sys.exit(status)
"""


@dataclass(frozen=True)
class Result:
    status: int
    output: list[str]
    errors: list[str]
    """Without the lines of progress."""


def convert(*arguments: object, code: str | None = None) -> Result:
    """Run `python -m engine_tools.metaseq` (or `code`) with the engine's interpreter."""
    done = subprocess.run(
        command(*arguments, code=code), cwd=ROOT, capture_output=True, text=True, check=False
    )
    errors = [line for line in done.stderr.splitlines() if " % of " not in line]
    return Result(done.returncode, done.stdout.splitlines(), errors)


def command(*arguments: object, code: str | None = None) -> list[str]:
    module = ["-m", "engine_tools.metaseq"] if code is None else ["-c", code]
    return [str(engine_python()), *module, *map(str, arguments)]


def make_checkpoints(cases: dict[Path, dict[str, Any]]) -> None:
    """Write each case's `hf` and `metaseq` folder; one interpreter makes them all."""
    run_layout("make", {str(out): want for out, want in cases.items()})


def compare_models(pairs: list[tuple[Path, Path]]) -> list[dict[str, Any]]:
    """Results of transformers for reference and converted model, pair by pair."""
    text = run_layout("compare", [[str(one), str(other)] for one, other in pairs])
    results: list[dict[str, Any]] = json.loads(text)
    return results


def run_layout(action: str, request: object) -> str:
    env = {**os.environ, "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(
        [str(engine_python()), str(LAYOUT), action],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        env=env,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout
