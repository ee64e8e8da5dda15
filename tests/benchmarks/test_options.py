"""The options of the command line."""

from __future__ import annotations

import pytest

from benchmarks.__main__ import CHOICES, build_parser, choose_scale
from benchmarks.measure import QUICK, Scale


def test_without_options_everything_is_measured_in_full() -> None:
    options = build_parser().parse_args([])

    assert (options.only, choose_scale(options), options.write) == (CHOICES, Scale(), False)


def test_options_override_the_quick_scale() -> None:
    options = build_parser().parse_args(["--quick", "--streams", "10", "--only", "portal,real"])

    scale = choose_scale(options)
    assert (options.only, scale.streams, scale.seconds) == (("portal", "real"), 10, QUICK.seconds)


def test_an_unknown_subject_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        build_parser().parse_args(["--only", "portal,nobody"])

    assert "'nobody' is none of portal, engine, litellm, real" in capsys.readouterr().err
