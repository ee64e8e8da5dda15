"""Layers of OPT-175B's true shape in real vLLM on the CPU, with two tensor-parallel ranks.

python -m benchmarks.layer_shape [--layers 1|2] [--real] [--dtype DTYPE] [--dry-run]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import tempfile
from dataclasses import replace
from pathlib import Path

import psutil

from benchmarks.layer_shape.report import draw
from benchmarks.layer_shape.run import Answer, Question, measure
from benchmarks.marked_section import write_section
from benchmarks.surroundings import GIB, describe_cpu, describe_versions, find_engine, today
from capacity.shapes import SHAPES
from demo.place import Place
from demo.terminal import RefusalError, one_line_errors

MODEL = "opt-175b"
TOLERANCE = {"float32": 1e-3, "float16": 2e-2, "bfloat16": 2e-1}
"""Of a log-probability: a few hundred units in the last place of a logit near 20."""
COPIES = 1.3
BESIDE_BYTES = 6 * GIB
"""In addition to the weights: two ranks and the server with libraries, 1 GiB of KV cache."""


def main() -> None:
    """Print the figures and write them into docs/performance.md; exit code 2 if impossible."""
    options = parse_options()
    dtype = options.dtype or ("float32" if options.real else "bfloat16")
    shape = replace(SHAPES[MODEL], num_hidden_layers=options.layers)
    question = Question(shape=shape, dtype=dtype, is_real=options.real)
    with one_line_errors():
        check_memory(question, available=psutil.virtual_memory().available)
        engine = find_engine(os.environ)
        if not engine.is_for_cpu:
            raise RefusalError("this measures vLLM's CPU build; ENGINE_PYTHON has one for CUDA")
        where = f"{describe_cpu()}; {describe_versions(engine)}; {today()}."
        var = Place.from_environment(os.environ).var
        var.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="layer-shape-", dir=var) as folder:
            answer = asyncio.run(
                measure(question, weights_dir=Path(folder), engine_python=Path(engine.python))
            )
        section = draw(question, answer, where=where)
        print(f"\n{section}")
        check_agreement(question, answer)
        if not options.dry_run:
            write_section(f"layer-shape-{'real' if options.real else 'dummy'}", section)


def check_agreement(question: Question, answer: Answer) -> None:
    """Raise `RefusalError` if the engine and transformers differ by more than rounding."""
    agreement, tolerance = answer.agreement, TOLERANCE[question.dtype]
    if agreement is not None and agreement.largest_difference > tolerance:
        raise RefusalError(
            f"vLLM and transformers differ by {agreement.largest_difference:.1e}, more than "
            f"{tolerance:g}; docs/performance.md is unchanged"
        )


def parse_options(arguments: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.layer_shape", allow_abbrev=False)
    parser.add_argument("--layers", type=int, choices=(1, 2), default=1)
    parser.add_argument(
        "--real",
        action="store_true",
        help="random weights from real files, compared with transformers",
    )
    parser.add_argument("--dtype", choices=("float32", "float16", "bfloat16"))
    parser.add_argument("--dry-run", action="store_true", help="do not write docs/performance.md")
    return parser.parse_args(arguments)


def check_memory(question: Question, *, available: int) -> None:
    """Raise `RefusalError` if the machine has too little free memory."""
    dtypes = {question.dtype, "float32"} if question.is_real else {question.dtype}
    weights = max(question.shape.weight_bytes(dtype) for dtype in dtypes)
    needed = round(COPIES * weights) + BESIDE_BYTES
    if available < needed:
        raise RefusalError(
            f"{needed / GIB:.0f} GiB of free memory are needed, {available / GIB:.0f} GiB are "
            "available; use fewer layers or leave out --real"
        )


if __name__ == "__main__":
    main()
