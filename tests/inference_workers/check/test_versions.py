"""The engine's packages and the driver."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference_workers.check.versions import check_versions
from tests.inference_workers.check.machines import (
    ENGINE,
    OPT_175B,
    PACKAGED,
    find,
    judge,
    make_machine,
)


@pytest.mark.parametrize(
    ("changes", "check", "expected"),
    [
        (
            {},
            "engine",
            ("ok", "vLLM 0.32.0, torch 2.13.0 for CUDA 13.0, transformers 5.19.0"),
        ),
        (
            {"engine": replace(ENGINE, vllm="0.33.1")},
            "engine",
            (
                "warning",
                (
                    "vLLM 0.33.1, torch 2.13.0 for CUDA 13.0, transformers 5.19.0: Gatehouse was "
                    "tested with vLLM 0.32; test this version before you rely on it"
                ),
            ),
        ),
        ({}, "driver", ("ok", "580.65.06, for CUDA 13.0")),
        (
            {"driver": "535.104.05"},
            "driver",
            (
                "warning",
                (
                    "535.104.05 is older than the 580 that CUDA 13.0 needs: install a newer NVIDIA "
                    "driver, or NVIDIA's forward compatibility package"
                ),
            ),
        ),
    ],
)
def test_versions(changes: dict[str, Any], check: str, expected: tuple[str, str]) -> None:
    findings = list(check_versions(OPT_175B, make_machine(OPT_175B, **changes)))

    assert judge(find(findings, check)) == expected


def test_a_ray_deployment_needs_ray() -> None:
    ray = PACKAGED["opt-175b-tp8-pp2-ray"]

    assert judge(find(list(check_versions(ray, make_machine(ray))), "ray")) == (
        "problem",
        "Ray is not installed for /opt/engine/bin/python: install ray there, on every host",
    )
