"""What the command loads, refuses and writes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.layer_shape.__main__ import check_agreement, check_memory, parse_options
from benchmarks.layer_shape.agreement import Agreement
from benchmarks.layer_shape.report import draw
from benchmarks.layer_shape.run import Answer, Question, describe, read_load_seconds
from benchmarks.surroundings import GIB
from capacity.shapes import SHAPES
from demo.terminal import RefusalError

ONE_LAYER = replace(SHAPES["opt-175b"], num_hidden_layers=1)
REAL = Question(shape=ONE_LAYER, dtype="float32", is_real=True)
DUMMY = Question(shape=ONE_LAYER, dtype="bfloat16", is_real=False)
AGREEMENT = Agreement(
    positions=15,
    vocabulary=50272,
    largest_difference=2.7e-5,
    same_best=14,
    lowest=-23.71,
    highest=-2.9,
)
ANSWER = Answer(
    ready_seconds=70.4,
    load_seconds=14.62,
    worker_bytes=(9 * GIB, 9 * GIB),
    step_seconds=0.3612,
    token_ids=(5, 6, 7),
    agreement=AGREEMENT,
    same_tokens=2,
)


def test_one_dummy_layer_is_the_default() -> None:
    options = parse_options([])
    assert (options.layers, options.real, options.dtype) == (1, False, None)


def test_the_page_shows_every_figure() -> None:
    assert draw(REAL, ANSWER, where="Here; today.").splitlines() == [
        "Here; today.",
        "",
        "| what | figure |",
        "|---|---|",
        (
            "| Model | 1 layer of opt-175b: hidden 12288, 96 heads, ffn 49152, vocabulary 50272; "
            "2.455 B parameters |"
        ),
        "| Weights | random, bfloat16 safetensors; computed in float32 |",
        "| Tensor-parallel ranks | 2 |",
        "| Ready after | 70 s |",
        "| of which loading | 14.6 s |",
        "| Memory per rank | 9.00 GiB, 9.00 GiB |",
        "| Time per token, batch 1 | 361 ms |",
        "| Generated | 3 tokens |",
        (
            "| Compared with transformers, float32 | 15 positions of 50272 log-probabilities, "
            "between -23.7 and -2.9 |"
        ),
        "| Largest difference | 2.7e-05 |",
        "| Same most likely token | at 14 of 15 positions |",
        "| Same tokens as transformers | 2 of 3 tokens |",
    ]


def test_dummy_weights_are_compared_with_nothing() -> None:
    answer = replace(ANSWER, agreement=None, load_seconds=None)

    names = [line.split(" | ")[0] for line in draw(DUMMY, answer, where="").splitlines()[4:]]

    assert names == [
        "| Model",
        "| Weights",
        "| Tensor-parallel ranks",
        "| Ready after",
        "| Memory per rank",
        "| Time per token, batch 1",
        "| Generated",
    ]


def test_a_difference_beyond_rounding_is_refused() -> None:
    check_agreement(REAL, ANSWER)
    wrong = replace(ANSWER, agreement=replace(AGREEMENT, largest_difference=0.004))

    with pytest.raises(RefusalError, match=r"^vLLM and transformers differ by 4.0e-03, more than"):
        check_agreement(REAL, wrong)
    check_agreement(replace(REAL, dtype="float16"), wrong)


def test_too_little_memory_is_refused_before_anything_starts() -> None:
    check_memory(DUMMY, available=14 * GIB)

    with pytest.raises(RefusalError) as caught:
        check_memory(REAL, available=14 * GIB)
    assert str(caught.value) == (
        "18 GiB of free memory are needed, 14 GiB are available; use fewer layers or leave out "
        "--real"
    )


def test_only_dummy_weights_are_dummy() -> None:
    assert describe(DUMMY).extra_args[-2:] == ("--load-format", "dummy")
    assert "dummy" not in describe(REAL).extra_args
    assert describe(REAL).env["VLLM_CPU_OMP_THREADS_BIND"] == "0|1"


def test_the_slower_ranks_loading_counts() -> None:
    log = (
        "(Worker_TP0) INFO [default_loader.py:502] Loading weights took 9.81 seconds\n"
        "(Worker_TP1) INFO [default_loader.py:502] Loading weights took 10.27 seconds\n"
    )
    assert read_load_seconds(log) == 10.27
    assert read_load_seconds("nothing of it") is None
