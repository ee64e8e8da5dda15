"""The table of effects on others, and the command line."""

from __future__ import annotations

import pytest

from benchmarks.attacks import ATTACKS
from benchmarks.hostile import Outcome, build_parser, render


def test_a_ratio_over_the_target_is_named() -> None:
    idle = {"`/healthz`, p99": 0.010, "a token": 0.100}
    beside = {"`/healthz`, p99": 0.020, "a token": 0.201}

    assert render([Outcome(ATTACKS["rows"], idle, beside)]).splitlines()[2:] == [
        "| batches with a row nested 970 deep | `/healthz`, p99 | 10 | 20 | 2.00 | ≤ 2: reached |",
        "| batches with a row nested 970 deep | a token | 100 | 201 | 2.01 | ≤ 2: not reached |",
    ]


def test_without_options_every_attack_is_measured() -> None:
    options = build_parser().parse_args([])

    assert (options.only, options.write) == (tuple(ATTACKS), False)


def test_an_unknown_attack_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--only", "rows,nothing"])

    assert "'nothing' is none of bodies, webhooks, rows," in capsys.readouterr().err
