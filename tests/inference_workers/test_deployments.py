"""Deployments are data; an error in the file is one line that names the place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from capacity.gpus import GPUS
from capacity.shapes import SHAPES, Architecture, ModelShape
from inference_workers.config import LauncherSettings
from inference_workers.deployments import (
    PACKAGED_MODELS_FILE,
    Deployment,
    load_deployment,
    load_deployments,
)
from inference_workers.errors import ConfigurationError
from inference_workers.launcher.vllm_command import build_command

TINY_OPT = ModelShape(
    name="tiny-opt-tp2",
    architecture=Architecture.OPT,
    num_hidden_layers=4,
    hidden_size=256,
    num_attention_heads=8,
    intermediate_size=1024,
    vocab_size=514,
    max_position_embeddings=1024,
)


PACKAGED = load_deployments(PACKAGED_MODELS_FILE)
OPT_175B = [deployment for deployment in PACKAGED.values() if deployment.queue_name == "opt-175b"]


def test_packaged_file_has_every_size_of_opt_and_the_demo() -> None:
    assert set(PACKAGED) == {
        *("opt-125m", "opt-350m", "opt-1.3b", "opt-2.7b", "opt-6.7b", "opt-13b", "opt-30b"),
        *("opt-66b", "opt-175b", "opt-175b-tp16", "opt-175b-tp8-pp2", "opt-175b-tp8-pp2-ray"),
        *("opt-175b-external", "gpt-neox-20b", "smollm2-135m", "tiny-opt-tp2"),
    }


def test_opt_175b_is_ready_for_one_host_and_for_two_in_three_ways() -> None:
    assert {
        deployment.slug: (
            deployment.tensor_parallel_size,
            deployment.pipeline_parallel_size,
            deployment.nnodes,
            deployment.needs_launcher_per_node,
        )
        for deployment in OPT_175B
    } == {
        "opt-175b": (8, 1, 1, False),
        "opt-175b-tp16": (16, 1, 1, False),
        "opt-175b-tp8-pp2": (8, 2, 2, True),
        "opt-175b-tp8-pp2-ray": (8, 2, 2, False),
        "opt-175b-external": (8, 2, 2, False),
    }


@pytest.mark.parametrize("deployment", OPT_175B, ids=lambda deployment: deployment.slug)
def test_every_opt_175b_serves_one_queue_with_one_model(deployment: Deployment) -> None:
    names = (deployment.queue_name, deployment.model_name, deployment.weights_folder_name)
    assert names == ("opt-175b", "opt-175b", "opt-175b")
    assert deployment.max_model_len == 2048


@pytest.mark.parametrize("deployment", PACKAGED.values(), ids=PACKAGED)
def test_every_packaged_deployment_divides_its_model(deployment: Deployment) -> None:
    shape = SHAPES.get(deployment.weights_folder_name, TINY_OPT)
    assert shape.name == deployment.weights_folder_name
    assert shape.num_attention_heads % deployment.tensor_parallel_size == 0
    assert shape.num_hidden_layers % deployment.pipeline_parallel_size == 0
    assert deployment.max_model_len <= shape.max_position_embeddings


@pytest.mark.parametrize("deployment", PACKAGED.values(), ids=PACKAGED)
def test_every_packaged_deployment_builds_a_command(deployment: Deployment, tmp_path: Path) -> None:
    weights = tmp_path / deployment.weights_folder_name
    weights.mkdir()
    (weights / "config.json").touch()
    settings = LauncherSettings(
        deployment=deployment.slug,
        engine_dir=Path("/run/engines"),
        weights_dir=tmp_path,
        node_rank=0,
        master_addr="10.0.0.1",
    )
    command = build_command(settings, deployment)

    assert command[command.index("--model") + 1] == str(weights)
    size = command[command.index("--tensor-parallel-size") + 1]
    assert size == str(deployment.tensor_parallel_size)


@pytest.mark.parametrize(
    "deployment",
    [deployment for deployment in PACKAGED.values() if deployment.dtype == "float16"],
    ids=lambda deployment: deployment.slug,
)
def test_where_power_cannot_be_measured_the_gpus_rated_power_is_assumed(
    deployment: Deployment,
) -> None:
    gpu = "v100-32gb" if deployment.slug == "opt-175b-tp16" else "a100-40gb"

    assert deployment.assumed_power_watts == deployment.world_size * GPUS[gpu].tdp_watts


@pytest.mark.parametrize(
    "deployment",
    [deployment for deployment in PACKAGED.values() if deployment.hub],
    ids=lambda deployment: deployment.slug,
)
def test_weights_from_a_hub_are_pinned(deployment: Deployment) -> None:
    assert re.fullmatch("[0-9a-f]{40}", deployment.revision)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            "[deployments.a]\nmax_model_len = 0\n",
            (
                "{file}: deployment 'a', field 'max_model_len': "
                "Input should be greater than or equal to 1"
            ),
        ),
        ("[deployments.a]\n", "{file}: deployment 'a', field 'max_model_len': Field required"),
        (
            "[deployments.a]\nmax_model_len = 1\ntensor_paralel_size = 2\n",
            "{file}: deployment 'a', field 'tensor_paralel_size': Extra inputs are not permitted",
        ),
        (
            '[deployments.a]\nmax_model_len = 1\nextra_args = ["--gpu-memory-utilization=0.5"]\n',
            (
                "{file}: deployment 'a', field 'extra_args': --gpu-memory-utilization=0.5 has "
                "its own field: gpu_memory_utilization"
            ),
        ),
        (
            "[deployments.a]\nmax_model_len = 1\ntensor_parallel_size = 3\nnnodes = 2\n",
            (
                "{file}: deployment 'a': nnodes = 2 must divide tensor_parallel_size x "
                "pipeline_parallel_size = 3"
            ),
        ),
        (
            (
                "[deployments.a]\nmax_model_len = 1\ntensor_parallel_size = 2\nnnodes = 2\n"
                "replicas = 2\n"
            ),
            (
                "{file}: deployment 'a': replicas are for one host; leave replicas out if nnodes "
                "is above 1"
            ),
        ),
        (
            "[deployments.a]\nmax_model_len = 1\nmax_tokens = 2\n",
            "{file}: deployment 'a': max_tokens must not be above max_model_len",
        ),
        (
            "[deployments.a]\nmax_model_len = 1\nrevision = 'abc'\n",
            "{file}: deployment 'a': revision refers to the hub; set hub too",
        ),
        (
            "[deployments.a]\nmax_model_len = 1\nqueue = 'b'\n",
            "{file}: deployment 'a', field 'queue': 'b' has no queue of its own",
        ),
        (
            (
                "[deployments.a]\nmax_model_len = 1\n"
                "[deployments.b]\nmax_model_len = 2\nqueue = 'a'\nweights = 'a'\n"
            ),
            ("{file}: deployment 'b', field 'queue': max_model_len must be the same as for 'a'"),
        ),
        (
            "[deployments.a]\nmax_model_len = 1\n[deployments.b]\nmax_model_len = 1\nqueue = 'a'\n",
            "{file}: deployment 'b', field 'queue': weights must be the same as for 'a'",
        ),
        ("[models.a]\n", "{file}: unknown table 'models'; expected [deployments.*]"),
        ("[deployments]\na = 1\n", "{file}: deployments.a must be a table"),
        ("= 1", "{file}: not valid TOML: Invalid statement (at line 1, column 1)"),
    ],
)
def test_wrong_file_is_one_line_that_names_the_place(
    tmp_path: Path, content: str, message: str
) -> None:
    file = tmp_path / "models.toml"
    file.write_text(content)

    with pytest.raises(ConfigurationError) as caught:
        load_deployments(file)

    assert str(caught.value) == message.format(file=file)


def test_unknown_deployment_names_those_there_are(tmp_path: Path) -> None:
    file = tmp_path / "models.toml"
    file.write_text("[deployments.b]\nmax_model_len = 1\n[deployments.a]\nmax_model_len = 1\n")

    with pytest.raises(ConfigurationError) as caught:
        load_deployment(file, "c")

    assert str(caught.value) == f"DEPLOYMENT: 'c' is not in {file} (known: a, b)"


def test_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_deployments(tmp_path / "none.toml")

    assert str(caught.value) == f"MODELS_FILE: {tmp_path / 'none.toml'} does not exist"
