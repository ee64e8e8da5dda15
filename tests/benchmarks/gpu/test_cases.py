"""Which engines are started, and with what."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from benchmarks.decoding import Lengths
from benchmarks.gpu.cases import (
    LARGE,
    MEMORY,
    Case,
    choose_cases,
    choose_tiny_cases,
    describe,
)
from benchmarks.gpu.options import Options
from capacity.gpus import GPUS
from capacity.memory import plan_memory
from capacity.parallel import Layout, Placement
from demo.terminal import RefusalError
from inference_workers.config import LauncherSettings
from inference_workers.launcher.vllm_command import build_command
from tests.benchmarks.gpu.machines import machine

LENGTHS = Lengths()


def summary(cases: list[Case]) -> list[tuple[str, int, int, int]]:
    return [
        (case.shape.name, case.layers, case.tensor_parallel_size, max(case.batches))
        for case in cases
    ]


def test_one_gpu_runs_layers_that_fit_and_half_of_them_and_a_smaller_model() -> None:
    assert summary(choose_cases(Options(), machine(), lengths=LENGTHS)) == [
        ("opt-175b", 8, 1, 64),
        ("opt-175b", 16, 1, 64),
        ("opt-13b", 40, 1, 64),
    ]


def test_all_layers_are_run_where_they_fit() -> None:
    cases = choose_cases(Options(batches=(1, 8)), machine(count=8), lengths=LENGTHS)

    assert summary(cases)[-2:] == [("opt-175b", 96, 8, 8), ("opt-13b", 40, 1, 8)]
    assert {case.tensor_parallel_size for case in cases} == {1, 2, 4, 8}


def test_one_layer_more_would_not_fit() -> None:
    largest = choose_cases(Options(), machine(), lengths=LENGTHS)[1]

    def room(layers: int) -> int:
        shape = Case(shape=LARGE, layers=layers, tensor_parallel_size=1, batches=(1,)).loaded
        placement = Placement(shape=shape, gpu=GPUS["h100-80gb"], layout=Layout(), dtype="float16")
        return plan_memory(placement, context=LENGTHS.longest, assumptions=MEMORY).full_sequences

    assert room(largest.layers) >= 64 > room(largest.layers + 2)


def test_a_small_gpu_runs_the_batches_that_fit() -> None:
    cases = choose_cases(Options(model="opt-125m"), machine("t4"), lengths=LENGTHS)

    assert summary(cases) == [
        ("opt-175b", 1, 1, 64),
        ("opt-175b", 2, 1, 64),
        ("opt-125m", 12, 1, 64),
    ]


def test_a_gpu_too_small_for_two_layers_still_runs_the_smaller_model() -> None:
    options = Options(batches=(1, 512))

    assert summary(choose_cases(options, machine("t4"), lengths=LENGTHS)) == [
        ("opt-175b", 1, 1, 1),
        ("opt-175b", 2, 1, 1),
        ("opt-125m", 12, 1, 512),
    ]


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (
            Options(tensor_parallel_sizes=(4,)),
            "--tensor-parallel-sizes: 4 GPUs are needed, 2 are here",
        ),
        (
            Options(model="opt-13b", batches=(4096,)),
            (
                "opt-13b with a batch of 4096 does not fit on 1 x H100-SXM5 80 GB; "
                "use smaller --batches"
            ),
        ),
    ],
)
def test_what_the_machine_cannot_is_refused(options: Options, line: str) -> None:
    with pytest.raises(RefusalError) as caught:
        choose_cases(options, machine(count=2), lengths=LENGTHS)
    assert str(caught.value) == line


def test_sizes_that_do_not_divide_the_heads_are_refused() -> None:
    with pytest.raises(RefusalError, match=r"^--tensor-parallel-sizes: 5 ranks cannot share"):
        choose_cases(Options(tensor_parallel_sizes=(5,)), machine(count=8), lengths=LENGTHS)


def test_the_engine_gets_the_true_shape_and_so_many_layers_of_it(tmp_path: Path) -> None:
    case = Case(shape=LARGE, layers=8, tensor_parallel_size=4, batches=(1, 8))
    deployment = describe(case, device="cuda", lengths=LENGTHS)
    (tmp_path / "opt-175b").mkdir()
    (tmp_path / "opt-175b" / "config.json").touch()
    settings = LauncherSettings(
        deployment="opt-175b", weights_dir=tmp_path, engine_dir=Path("/run/bench")
    )

    command = build_command(settings, deployment)

    values = dict(itertools.pairwise(command))
    assert values["--model"] == str(tmp_path / "opt-175b")
    assert values["--load-format"] == "dummy"
    assert json.loads(values["--hf-overrides"]) == {"num_hidden_layers": 8}
    assert values["--tensor-parallel-size"] == "4"
    assert values["--dtype"] == "float16"
    assert values["--max-num-seqs"] == "8"
    assert values["--max-model-len"] == str(LENGTHS.longest)
    assert "--no-enable-prefix-caching" in command
    assert "--enforce-eager" not in command
    assert deployment.env == {}


def test_a_whole_model_needs_no_override() -> None:
    case = Case(shape=LARGE, layers=96, tensor_parallel_size=8, batches=(1,))

    assert "--hf-overrides" not in describe(case, device="cuda", lengths=LENGTHS).extra_args


def test_on_the_cpu_nothing_is_compiled_and_each_rank_has_a_core() -> None:
    (case, _) = choose_tiny_cases(Options(device="cpu"))

    deployment = describe(case, device="cpu", lengths=LENGTHS)

    assert deployment.dtype == "float32"
    assert "--enforce-eager" in deployment.extra_args
    assert deployment.env["VLLM_CPU_OMP_THREADS_BIND"] == "0"
