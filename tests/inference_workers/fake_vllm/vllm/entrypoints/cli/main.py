"""Stands in for `vllm serve MODEL --headless`: a node without a server, which outlives node 0.

It has a child that does the work. What it does is set by files in the weights folder:

    headless-fail    write the file's text to stderr and exit with code 1
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

CHILD = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); time.sleep(600)"


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["serve"])
    parser.add_argument("model", type=Path)
    parser.add_argument("--headless", action="store_true", required=True)
    options, _ = parser.parse_known_args()
    weights: Path = options.model
    started = {"argv": sys.argv[1:], "master": os.environ.get("MASTER_ADDR"), "pid": os.getpid()}
    (weights / "headless.json").write_text(json.dumps(started))
    if (weights / "headless-fail").exists():
        sys.exit((weights / "headless-fail").read_text())
    child = subprocess.Popen([sys.executable, "-c", CHILD])

    def stop(*_: object) -> None:
        # The kernel can send the signal once for each thread of the launcher that ends.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        child.kill()
        child.wait()
        os._exit(0)

    signal.signal(signal.SIGTERM, stop)
    while True:
        signal.pause()


if __name__ == "__main__":
    main()
