"""Heads, layers, context and architecture."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference_workers.check.finding import Level
from inference_workers.check.parallelism import check_model
from tests.inference_workers.check.machines import (
    OPT_175B,
    PACKAGED,
    find,
    find_model_by_name,
    judge,
    make_machine,
    vary,
)


@pytest.mark.parametrize(
    ("check", "values", "expected"),
    [
        ("heads", {}, ("ok", "96 attention heads, 12 per rank")),
        (
            "heads",
            {"tensor_parallel_size": 10},
            (
                "problem",
                (
                    "96 attention heads are not divisible by tensor_parallel_size 10: choose one "
                    "of 1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 96"
                ),
            ),
        ),
        ("layers", {"pipeline_parallel_size": 2}, ("ok", "96 layers, 48 per stage")),
        (
            "layers",
            {"pipeline_parallel_size": 5},
            (
                "warning",
                (
                    "96 layers are not divisible by pipeline_parallel_size 5: the stage with the "
                    "most layers limits speed and memory; choose a divisor"
                ),
            ),
        ),
        (
            "layers",
            {"pipeline_parallel_size": 100},
            ("problem", "96 layers are fewer than pipeline_parallel_size 100: choose at most 96"),
        ),
        ("context", {}, ("ok", "2048 of 2048 positions")),
        (
            "context",
            {"max_model_len": 4096},
            (
                "problem",
                (
                    "max_model_len 4096 is more than the model's 2048 positions: lower it to 2048 "
                    "in models.toml"
                ),
            ),
        ),
        ("architecture", {}, ("ok", "vLLM 0.32.0 supports OPTForCausalLM")),
    ],
)
def test_the_model_and_its_ranks(
    check: str, values: dict[str, Any], expected: tuple[str, str]
) -> None:
    deployment = vary(**values)

    findings = list(check_model(deployment, make_machine(OPT_175B)))

    assert judge(find(findings, check)) == expected


def test_key_value_heads_divide_or_are_copied() -> None:
    smollm2 = PACKAGED["smollm2-135m"]
    levels = {}
    for size in (1, 3, 9):
        deployment = smollm2.model_copy(update={"tensor_parallel_size": size})
        levels[size] = find(list(check_model(deployment, make_machine(smollm2))), "heads").level
    assert set(levels.values()) == {Level.OK}

    model = find_model_by_name("smollm2-135m")
    assert model is not None
    machine = make_machine(smollm2, model=replace(model, num_attention_heads=12, kv_heads=3))
    deployment = smollm2.model_copy(update={"tensor_parallel_size": 2})
    assert judge(find(list(check_model(deployment, machine)), "heads")) == (
        "problem",
        ("tensor_parallel_size 2 does not match 3 key-value heads: choose a divisor or a multiple"),
    )


def test_a_model_that_nobody_knows_is_told() -> None:
    [finding] = check_model(OPT_175B, make_machine(OPT_175B, model=None))

    assert judge(finding) == (
        "warning",
        (
            "the number of the model's heads and layers is unknown: put its config.json into "
            "/weights/opt-175b, then run this again"
        ),
    )


def test_an_architecture_that_vllm_does_not_have_is_doubtful() -> None:
    model = find_model_by_name("opt-175b")
    assert model is not None
    machine = make_machine(OPT_175B, model=replace(model, architecture="NewForCausalLM"))

    finding = find(list(check_model(OPT_175B, machine)), "architecture")

    assert judge(finding) == (
        "warning",
        (
            "vLLM 0.32.0 does not implement NewForCausalLM: it tries the implementation in "
            "transformers, which may be slower or not split"
        ),
    )
