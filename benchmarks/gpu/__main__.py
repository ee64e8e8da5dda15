"""Check the capacity planner against real vLLM on this machine's GPUs.

python -m benchmarks.gpu [--device cpu] [--tensor-parallel-sizes N,N] [--model MODEL] [--dry-run]
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from benchmarks.gpu.machine import find_machine
from benchmarks.gpu.measurer import VLLMMeasurer
from benchmarks.gpu.options import Options, parse_options
from benchmarks.gpu.run import Report, run_on_cpu, run_on_gpus
from benchmarks.marked_section import write_section
from benchmarks.surroundings import describe_versions, find_engine, today
from demo.terminal import RefusalError, one_line_errors
from inference_workers.check.facts.gpus import read_gpus

SECTION = "gpu"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the table, and write it into docs/performance.md if it was measured on GPUs."""
    options = parse_options(arguments)
    with one_line_errors():
        report = measure_cpu(options) if options.device == "cpu" else measure_gpus(options)
    print(f"\n{report.text}")
    if options.device == "cuda" and not options.dry_run:
        write_section(SECTION, report.text)
    raise SystemExit(0 if report.is_floor_kept else 1)


def measure_gpus(options: Options) -> Report:
    """Raises `RefusalError` if there is no GPU, or no vLLM for it."""
    gpus, driver = read_gpus(os.environ.get("CUDA_VISIBLE_DEVICES"))
    machine = find_machine(gpus, driver=driver, slug=options.gpu)
    engine = find_engine(os.environ)
    if engine.is_for_cpu:
        raise RefusalError(f"{engine.python} has vLLM for the CPU; set ENGINE_PYTHON")
    measurer = VLLMMeasurer(
        engine_python=Path(engine.python), device="cuda", repeats=options.repeats
    )
    where = f"{machine}; {describe_versions(engine)}, CUDA {engine.cuda}; {today()}."
    return asyncio.run(run_on_gpus(options, machine, measurer, where=where))


def measure_cpu(options: Options) -> Report:
    engine = find_engine(os.environ)
    if not engine.is_for_cpu:
        raise RefusalError(f"{engine.python} has vLLM for CUDA; --device cpu needs the CPU build")
    measurer = VLLMMeasurer(
        engine_python=Path(engine.python), device="cpu", repeats=options.repeats
    )
    return asyncio.run(run_on_cpu(options, measurer))


if __name__ == "__main__":
    main()
