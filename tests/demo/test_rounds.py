"""The closing line of `make test` counts what pytest counted."""

from __future__ import annotations

from itertools import product
from pathlib import Path

import pytest

from tests.run import Count, plan_rounds, read_report


def test_a_report_is_counted(tmp_path: Path) -> None:
    report = tmp_path / "report.xml"
    report.write_text(
        '<testsuites><testsuite name="pytest" errors="1" failures="2" skipped="3" tests="10">'
        "</testsuite></testsuites>"
    )
    assert read_report(report) == Count(passed=4, failed=3, skipped=3)


def test_a_round_that_died_has_failed(tmp_path: Path) -> None:
    assert read_report(tmp_path / "missing.xml") == Count(failed=1)


def test_rounds_add_up() -> None:
    assert Count(1, 2, 3) + Count(10, 20, 30) == Count(11, 22, 33)


@pytest.mark.parametrize("has_browser", [True, False])
def test_every_test_that_can_run_is_in_one_round(has_browser: bool) -> None:
    marks = ("engine", "browser", "slow")
    rounds = [
        options[options.index("-m") + 1]
        for options in plan_rounds(is_quick=False, has_browser=has_browser)
    ]
    for values in product([True, False], repeat=len(marks)):
        marked = dict(zip(marks, values, strict=True))
        times = sum(eval(expression, {}, marked) for expression in rounds)
        assert times == (has_browser or not marked["browser"]), marked
