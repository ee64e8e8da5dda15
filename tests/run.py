"""`python -m tests.run`: every test, in two rounds, with one closing line.

The quick tests share the cores. Tests with a browser or a real engine come after them, one by
one, since each of them needs the whole machine.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree as ET

from demo.browser import find_browser
from demo.model_choice import PACKAGED_MODEL
from demo.place import Place
from demo.start import prepare_weights
from demo.terminal import one_line_errors

ROOT = Path(__file__).resolve().parents[1]
HEAVY = "engine or browser"
NO_TESTS = 5


@dataclass(frozen=True)
class Count:
    """The result of one round of tests."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )


def main(words: list[str]) -> None:
    """Run both rounds even if the first fails; `words` are passed on to pytest."""
    with one_line_errors():
        prepare_weights(Place(), deployment=PACKAGED_MODEL)
    heavy = HEAVY if find_browser(os.environ) else f"({HEAVY}) and not browser"
    rounds = (
        ["-m", f"not ({HEAVY})", "-n", str(os.cpu_count() or 2)],
        ["-m", heavy],
    )
    total, is_green = Count(), True
    for options in rounds:
        status, count = run_round([*options, *words])
        total += count
        is_green &= status == 0
    print(f"\n{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    raise SystemExit(0 if is_green and total.passed else 1)


def run_round(options: list[str]) -> tuple[int, Count]:
    """Pytest's status and counts. A round without tests passes, since `words` can select tests."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        command = [sys.executable, "-m", "pytest", "-q", f"--junit-xml={report}", *options]
        status = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode
        return (0 if status == NO_TESTS else status), read_report(report)


def read_report(report: Path) -> Count:
    """Counts from pytest's JUnit file; a round that ended before writing it is one failure."""
    if not report.exists():
        return Count(failed=1)
    suite = ET.parse(report).getroot().find("testsuite")
    if suite is None:
        return Count(failed=1)
    tests, failures, errors, skipped = (
        int(suite.get(name, "0")) for name in ("tests", "failures", "errors", "skipped")
    )
    return Count(
        passed=tests - failures - errors - skipped, failed=failures + errors, skipped=skipped
    )


if __name__ == "__main__":
    main(sys.argv[1:])
