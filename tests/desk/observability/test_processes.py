"""Several web processes behind one port answer for all of them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from tests.desk.observability.scraping import labelled, read_samples

ROOT = Path(__file__).resolve().parents[3]
LIVE = """
import sys, django
django.setup()
from portal.lab.jobs.stream.meter import _OPEN
from portal.platform.core.metrics import _REQUESTS
_OPEN.inc(int(sys.argv[1]))
_REQUESTS.labels("home", "GET", "2xx").inc(int(sys.argv[1]))
print("counted", flush=True)
sys.stdin.read()
"""
SCRAPE = """
import django
django.setup()
import portal.lab.jobs.stream.meter
from portal.platform.core.metrics import render_processes
print(render_processes().decode())
"""


def start(folder: Path, script: str, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, *arguments],
        cwd=ROOT,
        env={
            **os.environ,
            "PROMETHEUS_MULTIPROC_DIR": str(folder),
            "DJANGO_SETTINGS_MODULE": "portal.config.settings",
        },
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def test_counts_outlive_a_process_and_open_streams_do_not(tmp_path: Path) -> None:
    folder = tmp_path / "metrics"
    processes = [start(folder, LIVE, "3"), start(folder, LIVE, "4")]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "counted\n"
    processes[0].kill()
    processes[0].communicate()

    text, _ = start(folder, SCRAPE).communicate()

    processes[1].communicate()
    samples = read_samples(text)
    assert samples["gatehouse_streams_open"] == {(): 4}
    assert samples["gatehouse_http_requests_total"] == {
        labelled(route="home", method="GET", status="2xx"): 7
    }
