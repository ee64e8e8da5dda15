"""The planner's command line."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from capacity.energy import CARBON_INTENSITY
from capacity.gpus import GPUS
from capacity.measurements import DEEPSPEED_BLOOM, POINTS
from capacity.memory import (
    DEFAULT_GPU_MEMORY_UTILIZATION,
    ENGINE_RESERVE_BYTES,
    GIB,
    PUBLISHED_RESERVE_BYTES,
)
from capacity.plan import TARGET_MS
from capacity.shapes import BYTES_PER_ELEMENT
from inference_workers.errors import EXIT_CONFIGURATION, stop_process


class OneLineParser(argparse.ArgumentParser):
    """Prints an error as one line, without the usage."""

    def error(self, message: str) -> NoReturn:
        stop_process(message.removeprefix("argument "), code=EXIT_CONFIGURATION)


def parse_options(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The options; on an error, print one line and exit with code 2."""
    parser = OneLineParser(
        prog="python -m inference_workers plan",
        description="What a model needs and what GPUs provide: memory, speed, users, energy.",
        epilog="Without --count: every layout that fits. "
        "Exit code 0 if the model fits, 1 if not, 2 if the arguments are wrong.",
        allow_abbrev=False,
    )
    what = parser.add_argument_group("model")
    what.add_argument(
        "model",
        nargs="?",
        metavar="MODEL|DEPLOYMENT",
        help="a known model, or a table of models.toml, whose settings then apply",
    )
    what.add_argument(
        "--config", type=Path, metavar="PATH", help="any OPT, GPT-NeoX, Llama or BLOOM config.json"
    )
    _add_machine(parser.add_argument_group("machine"))
    _add_load(parser.add_argument_group("load"))
    _add_calibration(parser.add_argument_group("calibration"))
    parser.add_argument("--json", action="store_true", help="print JSON instead of tables")
    return parser.parse_args(arguments)


def _add_machine(group: argparse._ArgumentGroup) -> None:
    group.add_argument("--gpu", help=f"one of {', '.join(GPUS)}")
    group.add_argument("--count", type=int, help="GPUs per replica")
    group.add_argument("--tensor-parallel-size", type=int, metavar="N")
    group.add_argument("--pipeline-parallel-size", type=int, metavar="N")
    group.add_argument("--dtype", choices=list(BYTES_PER_ELEMENT))
    group.add_argument(
        "--gpu-memory-utilization",
        type=float,
        metavar="SHARE",
        help="share of each GPU's memory that the engine gets "
        f"(default: the deployment's, or {DEFAULT_GPU_MEMORY_UTILIZATION:g})",
    )
    group.add_argument(
        "--reserve-gib",
        type=float,
        default=PUBLISHED_RESERVE_BYTES / GIB,
        metavar="GIB",
        help="part of each GPU's share for activations and CUDA graphs (default: "
        f"{PUBLISHED_RESERVE_BYTES / GIB:g}; `check` reserves {ENGINE_RESERVE_BYTES / GIB:g})",
    )


def _add_load(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--context", type=int, metavar="TOKENS", help="tokens per sequence (default: the maximum)"
    )
    group.add_argument("--batch", type=int, metavar="N", help="sequences (default: all that fit)")
    group.add_argument(
        "--target-ms",
        type=float,
        default=TARGET_MS,
        metavar="MS",
        help=f"longest wait for the next token (default: {TARGET_MS:g})",
    )
    group.add_argument(
        "--power-watts",
        type=float,
        metavar="WATTS",
        help="measured power of all GPUs together (default: a share of their rated power)",
    )
    group.add_argument(
        "--carbon-intensity",
        type=float,
        default=CARBON_INTENSITY,
        metavar="GRAMS",
        help=f"your grid's CO2e per kWh (default: {CARBON_INTENSITY:g}, the world average)",
    )


def _add_calibration(group: argparse._ArgumentGroup) -> None:
    group.add_argument(
        "--calibration", choices=list(POINTS), default=DEEPSPEED_BLOOM, help="published points"
    )
    group.add_argument(
        "--measured",
        type=parse_measured,
        metavar="BATCH=MS,…",
        help="your own points, for this model on these GPUs: time between a reader's tokens",
    )


def parse_measured(text: str) -> list[tuple[int, float]]:
    """Batches and milliseconds from a text such as `1=44.0,32=53.8`."""
    try:
        pairs = [pair.split("=") for pair in text.split(",")]
        points = [(int(batch), float(ms)) for batch, ms in pairs]
    except ValueError:
        points = []
    if not points or any(batch < 1 or not ms > 0 for batch, ms in points):
        raise argparse.ArgumentTypeError(f"expected BATCH=MS,BATCH=MS,…, not {text!r}")
    return points
