"""Number and capabilities of GPUs."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference_workers.check.finding import Level
from inference_workers.check.gpus import check_gpus
from inference_workers.check.machine import EngineEnvironment
from tests.inference_workers.check.machines import (
    CPU_ENGINE,
    ENGINE,
    OPT_175B,
    PACKAGED,
    cpu_machine,
    find,
    judge,
    make_gpus,
    make_machine,
    vary,
)


@pytest.mark.parametrize(
    ("dtype", "kind", "expected"),
    [
        ("float16", "T4", ("ok", "float16 on compute capability 7.5")),
        ("bfloat16", "A100-80GB", ("ok", "bfloat16 on compute capability 8.0")),
        (
            "bfloat16",
            "T4",
            (
                "problem",
                "bfloat16 needs compute capability 8.0, T4 has 7.5: set dtype to float16",
            ),
        ),
        ("auto", "T4", ("ok", "float16 on compute capability 7.5")),
    ],
)
def test_dtype_and_compute_capability(dtype: str, kind: str, expected: tuple[str, str]) -> None:
    deployment = vary(dtype=dtype)
    machine = make_machine(OPT_175B, gpus=make_gpus(8, kind))

    assert judge(find(list(check_gpus(deployment, machine)), "dtype")) == expected


@pytest.mark.parametrize(
    ("kind", "engine", "expected"),
    [
        ("A100-80GB", ENGINE, "ok"),
        ("V100-32GB", replace(ENGINE, gpu_architectures=("sm_70", "sm_90")), "ok"),
        ("V100-32GB", replace(ENGINE, gpu_architectures=("sm_50", "compute_60")), "ok"),
        ("V100-32GB", replace(ENGINE, gpu_architectures=("sm_60", "sm_72", "sm_80")), "problem"),
        ("A100-80GB", replace(ENGINE, gpu_architectures=("sm_90a", "compute_90a")), "problem"),
        ("A100-80GB", replace(ENGINE, gpu_architectures=()), "warning"),
        ("A100-80GB", CPU_ENGINE, "problem"),
    ],
)
def test_torch_must_be_built_for_the_gpus(
    kind: str, engine: EngineEnvironment, expected: str
) -> None:
    machine = make_machine(OPT_175B, gpus=make_gpus(8, kind), engine=engine)

    assert find(list(check_gpus(OPT_175B, machine)), "kernels").level == expected


def test_gpus_that_lack_kernels_are_named_with_what_torch_has() -> None:
    machine = make_machine(OPT_175B, gpus=make_gpus(8, "V100-32GB"))

    assert judge(find(list(check_gpus(OPT_175B, machine)), "kernels")) == (
        "problem",
        (
            "torch for CUDA 13.0 has no kernels for V100-32GB, compute capability 7.0 (it has "
            "sm_75, sm_80, sm_86, sm_90, sm_100, sm_120, compute_120): build vLLM and torch from "
            "source for this GPU, or use other GPUs"
        ),
    )


@pytest.mark.parametrize(
    ("values", "number", "expected"),
    [
        ({}, 8, ("ok", "8 x A100-80GB (8 ranks)")),
        (
            {"pipeline_parallel_size": 2, "nnodes": 2},
            6,
            (
                "problem",
                (
                    "8 GPUs needed on each of 2 hosts (8 ranks), 6 visible: run `nvidia-smi`, "
                    "check CUDA_VISIBLE_DEVICES, or choose a deployment with fewer"
                ),
            ),
        ),
        (
            {"tensor_parallel_size": 2, "replicas": 3},
            8,
            (
                "warning",
                (
                    "8 GPUs, 6 of them used (2 for each of 3 replicas): the others are idle "
                    "unless another deployment or more replicas use them"
                ),
            ),
        ),
    ],
)
def test_number_of_gpus(values: dict[str, Any], number: int, expected: tuple[str, str]) -> None:
    machine = make_machine(OPT_175B, gpus=make_gpus(number, "A100-80GB"))

    findings = list(check_gpus(vary(**values), machine))

    assert judge(find(findings, "gpus")) == expected


def test_gpus_of_two_kinds_are_doubtful() -> None:
    gpus = make_gpus(7, "A100-80GB") + make_gpus(1, "T4")

    findings = list(check_gpus(OPT_175B, make_machine(OPT_175B, gpus=gpus)))

    assert find(findings, "gpu kinds").text == "the GPUs differ (7 x A100-80GB, 1 x T4)"


def test_a_vllm_for_the_cpu_needs_no_gpu() -> None:
    smollm2 = PACKAGED["smollm2-135m"]
    assert judge(find(list(check_gpus(smollm2, cpu_machine(smollm2))), "gpus")) == (
        "ok",
        "none, and none is needed: CPU build of vLLM, 1 rank",
    )
    assert find(list(check_gpus(OPT_175B, cpu_machine(OPT_175B))), "gpus").level is Level.WARNING
