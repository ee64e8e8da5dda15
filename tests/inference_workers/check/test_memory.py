"""Memory arithmetic, compared with published figures if there are any."""

from __future__ import annotations

from dataclasses import replace

import pytest

from capacity.memory import GIB
from inference_workers.check.finding import Level
from inference_workers.check.machine import GB
from inference_workers.check.memory import check_memory
from tests.inference_workers.check.machines import (
    PACKAGED,
    cpu_machine,
    make_gpus,
    make_machine,
)


@pytest.mark.parametrize(
    ("slug", "kind", "weights", "sequences"),
    [
        # About 27 and 24 full sequences by an estimate made before this code, with the same spare.
        ("opt-175b", "A100-80GB", "43.7 GB", 26),
        ("opt-175b-tp16", "A100-40GB", "21.8 GB", 23),
        ("opt-175b-tp16", "V100-32GB", "21.8 GB", 10),
        ("opt-175b-tp8-pp2", "A100-40GB", "21.9 GB", 23),
    ],
)
def test_opt_175b_on_each_kind_of_gpu(slug: str, kind: str, weights: str, sequences: int) -> None:
    deployment = PACKAGED[slug]
    gpus = make_gpus(deployment.ranks_per_node, kind)

    text = check_memory(deployment, make_machine(deployment, gpus=gpus)).text

    assert f", {weights} on each {kind} " in text
    assert f" {sequences} sequences of 2,048 " in text


def test_what_cannot_be_counted_is_measured_by_its_files() -> None:
    deployment = PACKAGED["opt-13b"]
    machine = make_machine(deployment, gpus=make_gpus(1, "A100-80GB"))
    assert machine.model is not None
    unknown = replace(machine, model=replace(machine.model, shape=None))
    small = replace(unknown, weights=replace(machine.weights, size_bytes=10 * GB))
    absent = replace(unknown, weights=replace(machine.weights, size_bytes=0))

    assert check_memory(deployment, small).text.startswith("10.0 GB of weights, 10.0 GB on each")
    assert check_memory(deployment, absent).text == (
        "the size of OPTForCausalLM is unknown until its weights are here"
    )


def test_stages_without_layers_leave_memory_unknown() -> None:
    deployment = PACKAGED["opt-125m"].model_copy(update={"pipeline_parallel_size": 13})

    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(13, "T4")))

    assert (finding.level, finding.text) == (
        Level.WARNING,
        "unknown, because some stages have no layers",
    )


def test_the_line_says_how_many_sequences_fit() -> None:
    deployment = PACKAGED["opt-175b"]
    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(8, "A100-80GB")))

    assert finding.level is Level.OK
    assert finding.text == (
        "349.2 GB of weights, 43.7 GB on each A100-80GB of 85.9 GB; keys and values of 54,512 "
        "tokens, 26 sequences of 2,048 (3 GiB per GPU are reserved for activations and CUDA "
        "graphs; `plan`, like published figures, reserves none)"
    )


def test_weights_that_do_not_fit_say_what_would_hold_them() -> None:
    deployment = PACKAGED["opt-13b"]
    finding = check_memory(deployment, make_machine(deployment, gpus=make_gpus(1, "T4")))

    assert finding.sentence == (
        "25.7 GB of weights, 25.7 GB on each T4 of 16.1 GB: they do not fit: use GPUs of more than "
        "32 GB, more ranks, or weights with fewer bits"
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
