"""Which deployment runs on which machine, or the first reason why it does not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from inference_workers.check.finding import Level
from inference_workers.check.machine import Network, Weights
from inference_workers.check.run import run_checks
from tests.inference_workers.check.machines import (
    ENGINE,
    PACKAGED,
    cpu_machine,
    find,
    make_gpus,
    make_machine,
    problems,
)

VOLTA_ENGINE = replace(ENGINE, cuda="12.6", gpu_architectures=("sm_50", "sm_70", "sm_90"))


@pytest.mark.parametrize(
    ("slug", "number", "kind", "expected"),
    [
        ("opt-175b", 8, "A100-80GB", []),
        ("opt-175b", 7, "A100-80GB", ["gpus"]),
        ("opt-175b", 8, "A100-40GB", ["memory"]),
        ("opt-175b", 1, "T4", ["gpus", "memory"]),
        ("opt-175b-tp16", 16, "A100-40GB", []),
        ("opt-175b-tp16", 16, "V100-32GB", ["kernels"]),
        ("opt-175b-tp8-pp2", 8, "A100-40GB", []),
        ("opt-66b", 4, "A100-80GB", []),
        ("opt-66b", 4, "A100-40GB", []),
        ("opt-30b", 2, "A100-40GB", []),
        ("opt-13b", 1, "A100-40GB", []),
        ("opt-13b", 1, "T4", ["memory"]),
        ("opt-2.7b", 1, "T4", []),
        ("opt-350m", 1, "T4", []),
        ("gpt-neox-20b", 1, "A100-80GB", []),
        ("gpt-neox-20b", 1, "A100-40GB", ["memory"]),
    ],
)
def test_what_prevents_a_deployment_on_gpus(
    slug: str, number: int, kind: str, expected: list[str]
) -> None:
    deployment = PACKAGED[slug]
    machine = make_machine(deployment, gpus=make_gpus(number, kind))

    assert problems(deployment, machine) == expected


def test_sixteen_v100_run_opt_175b_with_a_torch_that_was_built_for_them() -> None:
    deployment = PACKAGED["opt-175b-tp16"]
    machine = make_machine(deployment, gpus=make_gpus(16, "V100-32GB"), engine=VOLTA_ENGINE)

    assert problems(deployment, machine) == []


@pytest.mark.parametrize("deployment", PACKAGED.values(), ids=PACKAGED)
def test_every_packaged_deployment_runs_on_the_machine_it_is_for(deployment: object) -> None:
    slug = deployment.slug  # type: ignore[attr-defined]
    machine = make_machine(PACKAGED[slug], gpus=make_gpus(16, "A100-80GB"))
    if slug == "opt-175b-external":
        network = Network(engine_url="http://10.0.0.1:8000", engine_models=(("opt-175b", 2048),))
        machine = replace(machine, network=network)
    if slug.endswith("-ray"):
        machine = replace(machine, engine=replace(ENGINE, has_ray=True))

    assert problems(PACKAGED[slug], machine) == []


@pytest.mark.parametrize(
    ("slug", "expected"),
    [("smollm2-135m", []), ("opt-125m", []), ("opt-6.7b", []), ("opt-13b", ["memory"])],
)
def test_what_a_machine_without_gpus_runs(slug: str, expected: list[str]) -> None:
    deployment = PACKAGED[slug]

    assert problems(deployment, cpu_machine(deployment)) == expected


def test_a_machine_with_nothing_names_everything() -> None:
    deployment = PACKAGED["opt-175b"]
    machine = make_machine(
        deployment,
        engine=None,
        engine_error="vLLM is not installed for /usr/bin/python3",
        driver="",
        weights=Weights(folder="/weights/opt-175b"),
        network=Network(socket_path="/" + "x" * 120),
    )

    findings = run_checks(deployment, machine)

    assert [finding.check for finding in findings if finding.level is Level.PROBLEM] == [
        *("engine", "weights", "socket"),
    ]
    assert find(findings, "engine").sentence == (
        "vLLM is not installed for /usr/bin/python3: set ENGINE_PYTHON to the interpreter of an "
        "environment with vLLM"
    )
    assert all(finding.advice for finding in findings if finding.level is not Level.OK)


def test_an_engine_elsewhere_is_all_that_matters_where_engine_url_is_set() -> None:
    deployment = PACKAGED["opt-175b"]
    network = Network(engine_url="http://10.0.0.1", engine_models=(("opt-175b", 2048),))
    machine = make_machine(deployment, engine=None, network=network)

    [finding] = run_checks(deployment, machine)

    assert finding.text == "http://10.0.0.1 serves opt-175b"
