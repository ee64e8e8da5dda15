"""Weights that are here, and weights that must be downloaded."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from inference_workers.check.machine import Machine, Weights
from inference_workers.check.weights import check_weights
from tests.inference_workers.check.machines import (
    OPT_175B,
    PACKAGED,
    find,
    judge,
    make_machine,
    vary,
)

HASH = "0123456789abcdef" * 4


def weights_machine(**changes: Any) -> Machine:
    machine = make_machine(OPT_175B)
    return replace(machine, weights=replace(machine.weights, **changes))


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ("ok", "2 files, 350.0 GB in /weights/opt-175b")),
        (
            {"has_config": False},
            ("problem", "/weights/opt-175b has no config.json: copy or convert them again"),
        ),
        (
            {"missing": tuple(f"model-{index}.safetensors" for index in range(5))},
            (
                "problem",
                (
                    "/weights/opt-175b lacks model-0.safetensors, model-1.safetensors, "
                    "model-2.safetensors and 2 more: copy or convert them again; the index names "
                    "them"
                ),
            ),
        ),
        (
            {"cut_short": ("model-2.safetensors",)},
            (
                "problem",
                "model-2.safetensors in /weights/opt-175b is truncated: copy them again",
            ),
        ),
        (
            {"files": ()},
            (
                "problem",
                (
                    "/weights/opt-175b has neither safetensors nor pytorch_model files: copy or "
                    "convert them again"
                ),
            ),
        ),
        (
            {"has_folder": False},
            (
                "problem",
                "there is no /weights/opt-175b: put them there, or set WEIGHTS_DIR or `weights`",
            ),
        ),
    ],
)
def test_presence_of_weights(changes: dict[str, Any], expected: tuple[str, str]) -> None:
    findings = list(check_weights(OPT_175B, weights_machine(**changes)))

    assert judge(find(findings, "weights")) == expected


@pytest.mark.parametrize("arguments", [("--load-format", "dummy"), ("--load-format=dummy",)])
def test_dummy_weights_need_no_files(arguments: tuple[str, ...]) -> None:
    machine = weights_machine(files=())

    findings = list(check_weights(vary(extra_args=arguments), machine))

    assert [(finding.check, *judge(finding)) for finding in findings] == [
        ("weights", "ok", "dummy weights, for the config.json in /weights/opt-175b"),
        ("tokenizer", "ok", "beside the weights"),
    ]


@pytest.mark.parametrize(
    ("wanted", "found", "expected"),
    [
        (HASH, "", ("ok", "recorded; compare it with --verify-weights")),
        (HASH, HASH, ("ok", "0123456789ab… as in models.toml")),
        (
            HASH,
            HASH[::-1],
            (
                "problem",
                (
                    "the weights are not those of models.toml: fedcba987654…, not 0123456789ab…: "
                    "copy or convert them again, or correct weights_sha256 if they should "
                    "differ"
                ),
            ),
        ),
        (
            "",
            HASH,
            (
                "warning",
                (
                    f"models.toml has no weights_sha256 to compare with: add weights_sha256 = "
                    f'"{HASH}"'
                ),
            ),
        ),
        (
            "",
            "",
            (
                "warning",
                (
                    "models.toml has no weights_sha256: run this with --verify-weights, and add "
                    "the hash that it prints"
                ),
            ),
        ),
    ],
)
def test_hash_of_weights(wanted: str, found: str, expected: tuple[str, str]) -> None:
    deployment = vary(weights_sha256=wanted)

    findings = list(check_weights(deployment, weights_machine(sha256=found)))

    assert judge(find(findings, "hash")) == expected


@pytest.mark.parametrize(
    ("free_gb", "hub_error", "disk", "hub"),
    [
        (100, "", "ok", "ok"),
        (20, "", "problem", "ok"),
        (100, "this machine cannot reach the model hub", "ok", "problem"),
        (100, None, "ok", "warning"),
    ],
)
def test_weights_that_must_be_fetched(
    free_gb: int, hub_error: str | None, disk: str, hub: str
) -> None:
    deployment = PACKAGED["opt-13b"]
    weights = Weights(
        folder="/weights/opt-13b",
        download_folder="/root/.cache",
        free_bytes=free_gb * 10**9,
        hub_error=hub_error,
    )

    findings = list(check_weights(deployment, make_machine(deployment, weights=weights)))

    assert [(finding.check, finding.level.value) for finding in findings] == [
        ("weights", "warning"),
        ("disk", disk),
        ("hub", hub),
    ]
