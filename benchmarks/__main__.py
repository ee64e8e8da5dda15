"""`make bench`: the portal, the engine alone and LiteLLM's proxy in one run and one table.

    python -m benchmarks [--quick] [--only portal,engine,litellm,real] [--streams N]
                         [--seconds S] [--write]

A measurement is not a test: it prints which targets were reached and exits with status 0.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import replace

from benchmarks.machine import describe_machine
from benchmarks.marked_section import write_section
from benchmarks.measure import QUICK, Scale, measure
from benchmarks.results import REAL, SUBJECTS
from benchmarks.table import render_full, render_short
from demo.model_choice import PACKAGED_MODEL
from demo.place import ROOT, Place
from demo.start import prepare_weights
from demo.terminal import one_line_errors, say

CHOICES = (*SUBJECTS, REAL)

SECTION = "bench"


def main(words: Sequence[str] | None = None) -> None:
    options = build_parser().parse_args(words)
    with one_line_errors():
        prepare_weights(Place(), deployment=PACKAGED_MODEL)
        load = os.getloadavg()[0]
        results = measure(choose_scale(options), only=options.only)
        note = f"{describe_machine()}. Load average before the run: {load:.1f}."
        full = render_full(results)
        say(f"\n{note}\n\n{full}")
        if options.write:
            short = f"{render_short(results)}\n\n{note}"
            write_section(SECTION, short, page=ROOT / "README.md")
            write_section(SECTION, f"{note}\n\n{full}")


def build_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description="make bench")
    parser.add_argument("--quick", action="store_true", help="fewer streams, rough figures")
    parser.add_argument(
        "--only", type=parse_names, default=CHOICES, help=f"a selection of {','.join(CHOICES)}"
    )
    parser.add_argument("--streams", type=int, help="number of steady streams")
    parser.add_argument("--seconds", type=float, help="length of the measured window")
    parser.add_argument(
        "--write", action="store_true", help="write into README.md and docs/performance.md"
    )
    return parser


def parse_names(words: str) -> tuple[str, ...]:
    """Names of subjects, separated by commas."""
    names = tuple(words.split(","))
    unknown = [name for name in names if name not in CHOICES]
    if unknown:
        raise argparse.ArgumentTypeError(f"{unknown[0]!r} is none of {', '.join(CHOICES)}")
    return names


def choose_scale(options: argparse.Namespace) -> Scale:
    """The scale that the options set."""
    scale = QUICK if options.quick else Scale()
    given = {name: getattr(options, name) for name in ("streams", "seconds")}
    return replace(scale, **{name: value for name, value in given.items() if value is not None})


if __name__ == "__main__":
    main()
