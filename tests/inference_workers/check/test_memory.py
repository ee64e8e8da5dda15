"""Arithmetic of memory, against published figures where there are any."""

from __future__ import annotations

import pytest

from inference_workers.check.finding import Level
from inference_workers.check.machine import GB, GIB
from inference_workers.check.memory import check_memory, find_utilization, fit_gpu, split_kv
from inference_workers.deployments import Deployment
from tests.inference_workers.check.machines import (
    KINDS,
    MIB,
    PACKAGED,
    cpu_machine,
    find_model_by_name,
    make_gpus,
    make_machine,
)


@pytest.mark.parametrize(
    ("slug", "kind", "weights_gb", "sequences"),
    [
        # About 27 and 24 full sequences by an estimate made before this code, with the same spare.
        ("opt-175b", "A100-80GB", 43.7, 26),
        ("opt-175b-tp16", "A100-40GB", 21.8, 24),
        ("opt-175b-tp16", "V100-32GB", 21.8, 11),
        ("opt-175b-tp8-pp2", "A100-40GB", 21.8, 24),
    ],
)
def test_opt_175b_on_each_kind_of_gpu(
    slug: str, kind: str, weights_gb: float, sequences: int
) -> None:
    deployment, model = PACKAGED[slug], find_model_by_name("opt-175b")
    assert model is not None

    fit = fit_gpu(
        deployment,
        model,
        dtype="float16",
        weight_bytes=model.weight_bytes("float16"),
        memory_bytes=KINDS[kind][0] * MIB,
    )

    assert round(fit.weight_bytes / GB, 1) == weights_gb
    assert fit.tokens // 2048 == sequences


def test_ranks_share_keys_and_values_until_each_has_one_head() -> None:
    model = find_model_by_name("smollm2-135m")
    assert model is not None
    assert model.kv_heads == 3
    whole = model.kv_bytes_per_token("float32")

    shares = {
        size: split_kv(
            Deployment(slug="m", max_model_len=1, tensor_parallel_size=size), model, dtype="float32"
        )
        for size in (1, 3, 9)
    }

    assert shares == {1: whole, 3: whole // 3, 9: whole // 3}


def test_a_stage_holds_the_keys_and_values_of_its_layers() -> None:
    model = find_model_by_name("opt-175b")
    assert model is not None
    deployment = PACKAGED["opt-175b-tp8-pp2"]

    assert split_kv(deployment, model, dtype="float16") * 16 == model.kv_bytes_per_token("float16")


@pytest.mark.parametrize(
    ("values", "utilization"),
    [
        ({}, 0.92),
        ({"gpu_memory_utilization": 0.8}, 0.8),
        ({"extra_args": ["--gpu-memory-utilization", "0.7", "--enforce-eager"]}, 0.7),
    ],
)
def test_the_part_that_vllm_may_take(values: dict[str, object], utilization: float) -> None:
    deployment = Deployment.model_validate({"slug": "m", "max_model_len": 1, **values})

    assert find_utilization(deployment) == utilization


def test_the_line_says_how_many_sequences_fit() -> None:
    deployment = PACKAGED["opt-175b"]
    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(8, "A100-80GB")))

    assert finding.level is Level.OK
    assert finding.text == (
        "349.2 GB of weights, 43.7 GB on each A100-80GB of 85.9 GB; keys and values of 54,891 "
        "tokens, 26 sequences of 2,048"
    )


def test_weights_that_do_not_fit_say_what_would_hold_them() -> None:
    deployment = PACKAGED["opt-13b"]
    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(1, "T4")))

    assert finding.sentence == (
        "25.7 GB of weights, 25.7 GB on each T4 of 16.1 GB: they do not fit: use GPUs of more than "
        "32 GB, or more ranks, or weights of fewer bits"
    )


def test_a_gpu_that_something_else_holds_is_a_warning() -> None:
    deployment = PACKAGED["opt-13b"]
    gpus = make_gpus(1, "A100-80GB", free_share=0.5)
    finding = check_memory(deployment, make_machine(deployment, gpus=gpus))

    assert (finding.level, finding.text) == (
        Level.WARNING,
        "GPU 0 has 42.9 GB free and vLLM wants 79.0 GB",
    )


def test_room_for_less_than_one_sequence_is_a_problem() -> None:
    deployment = PACKAGED["opt-6.7b"]
    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(1, "T4")))
    assert finding.level is Level.PROBLEM

    machine = cpu_machine(deployment, cpu_kv_bytes=GIB // 2)
    assert check_memory(deployment, machine).text == (
        "13.3 GB of weights in this machine's 25.8 GB; keys and values of 1,024 tokens fit, less "
        "than one sequence of 2,048"
    )


def test_memory_that_is_taken_now_is_a_warning() -> None:
    deployment = PACKAGED["opt-6.7b"]
    finding = check_memory(deployment, cpu_machine(deployment, available_bytes=8 * GIB))

    assert (finding.level, finding.text) == (
        Level.WARNING,
        "16.0 GB are needed, and 8.6 GB are free now",
    )
