"""Calculate what a model needs and what GPUs provide.

python -m inference_workers plan [MODEL|DEPLOYMENT] --gpu GPU --count N
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace

from capacity.calibration import Calibration, MeasuredPoint, fit
from capacity.errors import PlanError
from capacity.fits import list_fits
from capacity.gpus import GPUS, find_gpu
from capacity.measurements import find_calibration
from capacity.memory import GIB, MemoryAssumptions
from capacity.plan import PlanRequest, make_plan
from inference_workers.errors import EXIT_CONFIGURATION, EXIT_FAILURE, stop_process
from inference_workers.planner.documents import describe_fits, describe_plan
from inference_workers.planner.options import parse_options
from inference_workers.planner.subject import Subject, find_subject, read_config
from inference_workers.planner.tables import draw_fits, draw_plan


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the plan; exit with code 1 if nothing fits, 2 if the arguments are wrong."""
    options = parse_options(arguments)
    try:
        text, fits = answer(options)
    except PlanError as error:
        stop_process(f"{_name_option(error.field)}: {error.message}", code=EXIT_CONFIGURATION)
    sys.stdout.write(text + "\n")
    if not fits:
        raise SystemExit(EXIT_FAILURE)


def answer(options: argparse.Namespace) -> tuple[str, bool]:
    """The text to print, and whether anything fits; raises `PlanError`."""
    subject = _find_subject(options)
    if options.count is None:
        return _answer_list(options, subject)
    if options.gpu is None:
        raise PlanError("gpu", f"is needed with --count (known: {', '.join(GPUS)})")
    request = _build_request(options, subject)
    plan = make_plan(request)
    if options.batch is None and subject.max_num_seqs and plan.batch > subject.max_num_seqs:
        plan = make_plan(replace(request, batch=subject.max_num_seqs))
    text = _to_json(describe_plan(plan)) if options.json else draw_plan(plan)
    return text, plan.memory.fits


def _answer_list(options: argparse.Namespace, subject: Subject) -> tuple[str, bool]:
    for field in ("batch", "measured"):
        if getattr(options, field) is not None:
            raise PlanError(field, "needs one machine; give --gpu and --count too")
    gpus = [find_gpu(options.gpu)] if options.gpu else list(GPUS.values())
    request = _build_request(options, subject)
    plans = list_fits(request, gpus=gpus)
    text = _to_json(describe_fits(plans)) if options.json else draw_fits(plans, request, gpus=gpus)
    return text, bool(plans)


def _find_subject(options: argparse.Namespace) -> Subject:
    if options.config is not None and options.model is not None:
        raise PlanError("config", "cannot be combined with a model's name; give one of them")
    if options.config is not None:
        return read_config(options.config)
    if options.model is None:
        raise PlanError("model", "give a model, a deployment or --config")
    return find_subject(options.model)


def _build_request(options: argparse.Namespace, subject: Subject) -> PlanRequest:
    request = PlanRequest(
        shape=subject.shape,
        gpu=find_gpu(options.gpu) if options.gpu else next(iter(GPUS.values())),
        count=options.count or 0,
        tensor_parallel_size=options.tensor_parallel_size,
        pipeline_parallel_size=options.pipeline_parallel_size,
        dtype=options.dtype or subject.dtype,
        context=options.context if options.context is not None else subject.context,
        batch=options.batch,
        target_ms=options.target_ms,
        power_watts=options.power_watts,
        carbon_intensity=options.carbon_intensity,
        memory=_assume_memory(options, subject),
        calibration=find_calibration(options.calibration),
    )
    if subject.layout is not None and _is_layout_free(options, count=subject.layout.count):
        request = replace(request, **asdict(subject.layout))
    if options.measured:
        return replace(request, calibration=_calibrate(request, options.measured))
    return request


def _is_layout_free(options: argparse.Namespace, *, count: int) -> bool:
    """Whether the layout of a deployment of `count` GPUs applies."""
    sizes = (options.tensor_parallel_size, options.pipeline_parallel_size)
    return sizes == (None, None) and options.count == count


def _calibrate(request: PlanRequest, measured: Sequence[tuple[int, float]]) -> Calibration:
    plan = make_plan(replace(request, batch=None))
    points = [
        MeasuredPoint(
            placement=plan.placement,
            batch=batch,
            context=plan.memory.context,
            step_seconds=ms / 1e3,
        )
        for batch, ms in measured
    ]
    return fit(points, name="your own points")


def _assume_memory(options: argparse.Namespace, subject: Subject) -> MemoryAssumptions:
    if not 0 <= options.reserve_gib < float("inf"):
        raise PlanError("reserve_gib", "must be 0 or more")
    memory = MemoryAssumptions(reserve_bytes_per_gpu=round(options.reserve_gib * GIB))
    given = (options.gpu_memory_utilization, subject.gpu_memory_utilization)
    share = next((share for share in given if share is not None), None)
    return memory if share is None else replace(memory, gpu_memory_utilization=share)


def _name_option(field: str) -> str:
    return "MODEL" if field == "model" else f"--{field.replace('_', '-')}"


def _to_json(document: object) -> str:
    return json.dumps(document, indent=2, allow_nan=False)
