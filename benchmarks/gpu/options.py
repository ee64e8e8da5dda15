"""The benchmark's command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from capacity.gpus import GPUS

BATCHES = (1, 8, 32, 64)
SMALLER_MODELS = ("opt-13b", "opt-6.7b", "opt-2.7b", "opt-1.3b", "opt-125m")
"""Largest first: the first that fits is run in full."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The options; None means that the benchmark chooses."""

    device: Literal["cuda", "cpu"] = "cuda"
    gpu: str | None = None
    tensor_parallel_sizes: tuple[int, ...] | None = None
    batches: tuple[int, ...] = BATCHES
    model: str | None = None
    repeats: int = 3
    dry_run: bool = False


def parse_options(arguments: Sequence[str] | None = None) -> Options:
    """The parsed options; wrong ones end the process with argparse's line and code 2."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.gpu",
        description="Decode with real vLLM and dummy weights: a few layers of OPT-175B's true "
        "shape, scaled to all 96, and a smaller OPT in full; compare with the capacity planner.",
        epilog="Exit code 0 if nothing is faster than the planner's floor, 1 if something is, "
        "2 if it cannot run here. ENGINE_PYTHON is the interpreter with vLLM.",
        allow_abbrev=False,
    )
    parser.add_argument(
        "--device",
        choices=("cuda", "cpu"),
        default="cuda",
        help="cpu runs the same code with a tiny shape; it compares nothing and writes nothing",
    )
    parser.add_argument(
        "--gpu", choices=list(GPUS), help="data sheet to compare with (by the driver's name)"
    )
    parser.add_argument(
        "--tensor-parallel-sizes",
        type=parse_sizes,
        metavar="N,N,…",
        help="GPUs per engine (1, 2, 4 and 8, up to the host's number)",
    )
    parser.add_argument("--batches", type=parse_sizes, default=BATCHES, metavar="N,N,…")
    parser.add_argument(
        "--model", choices=SMALLER_MODELS, help="run in full (the largest that fits one GPU)"
    )
    parser.add_argument("--repeats", type=int, choices=range(1, 21), default=3, metavar="N")
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/performance.md")
    return Options(**vars(parser.parse_args(arguments)))


def parse_sizes(text: str) -> tuple[int, ...]:
    """Whole numbers above 0, ascending, each once."""
    try:
        sizes = tuple(sorted({int(part) for part in text.split(",")}))
    except ValueError:
        sizes = ()
    if not sizes or sizes[0] < 1:
        raise argparse.ArgumentTypeError(f"expected N,N,…, not {text!r}")
    return sizes
