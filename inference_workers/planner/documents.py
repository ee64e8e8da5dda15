"""Plans as JSON documents; units are in the names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from math import isfinite
from typing import Any

from capacity.energy import TRAINING_TONNES
from capacity.plan import Plan, Speed


def describe_plan(plan: Plan) -> dict[str, Any]:
    """One complete plan with its assumptions."""
    return {
        **_describe_setup(plan),
        "memory": {
            **asdict(plan.memory),
            "fits": plan.memory.fits,
            "why_not": plan.memory.why_not,
            "assumptions": asdict(plan.request.memory),
        },
        "speeds": [_describe_speed(speed) for speed in plan.speeds],
        "batch": plan.batch,
        "users": asdict(plan.users) if plan.users else None,
        "power": {**asdict(plan.power), "training_tonnes_co2e": TRAINING_TONNES},
        "calibration": asdict(plan.request.calibration),
    }


def describe_fits(plans: Sequence[Plan]) -> list[dict[str, Any]]:
    """One short document for each layout that fits."""
    return [
        {
            **_describe_setup(plan),
            "kv_slots": plan.memory.kv_slots,
            "full_sequences": plan.memory.full_sequences,
            "floor_ms": plan.speeds[0].floor_ms,
            "expected_ms": plan.speeds[0].expected_ms,
        }
        for plan in plans
    ]


def _describe_setup(plan: Plan) -> dict[str, Any]:
    placement = plan.placement
    return {
        "model": placement.shape.name,
        "parameters": placement.shape.parameters,
        "gpu": placement.gpu.slug,
        "count": placement.layout.count,
        "tensor_parallel_size": placement.layout.tensor_parallel_size,
        "pipeline_parallel_size": placement.layout.pipeline_parallel_size,
        "dtype": placement.dtype,
        "context": plan.memory.context,
    }


def _describe_speed(speed: Speed) -> dict[str, Any]:
    tokens = speed.energy.tokens_like_training
    return {
        "batch": speed.batch,
        "floor_ms": speed.floor_ms,
        "floor_tokens_per_second": speed.floor_tokens_per_second,
        "expected_ms": speed.expected_ms,
        "expected_tokens_per_second": speed.expected_tokens_per_second,
        **asdict(speed.energy),
        "tokens_like_training": tokens if isfinite(tokens) else None,
    }
