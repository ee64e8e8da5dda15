"""A deployment's fields become vLLM's arguments and environment."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from inference_workers.errors import LaunchError
from inference_workers.launcher.vllm_command import build_command, build_environment


def make_settings(folder: Path, **values: Any) -> LauncherSettings:
    values = {"deployment": "m", "engine_dir": folder / "e", "weights_dir": folder / "w", **values}
    return LauncherSettings.model_validate(values)


def make_deployment(**values: Any) -> Deployment:
    return Deployment.model_validate({"slug": "m", "max_model_len": 64, **values})


def test_weights_from_the_hub_are_pinned_to_their_commit(tmp_path: Path) -> None:
    deployment = make_deployment(hub="acme/m", revision="abc")

    command = build_command(make_settings(tmp_path), deployment)

    assert command[3:5] == ["--model", "acme/m"]
    assert command[9:13] == ["--revision", "abc", "--tokenizer-revision", "abc"]


def test_weights_in_a_folder_have_no_commit(tmp_path: Path) -> None:
    (tmp_path / "w" / "m").mkdir(parents=True)
    (tmp_path / "w" / "m" / "config.json").touch()
    deployment = make_deployment(hub="acme/m", revision="abc")

    command = build_command(make_settings(tmp_path), deployment)

    assert command[3:5] == ["--model", str(tmp_path / "w" / "m")]
    assert "--revision" not in command


def test_a_ray_cluster_is_joined_by_one_launcher_that_needs_no_rank(tmp_path: Path) -> None:
    deployment = make_deployment(
        hub="acme/m",
        pipeline_parallel_size=2,
        nnodes=2,
        distributed_executor_backend="ray",
        gpu_memory_utilization=0.9,
        extra_args=["--enforce-eager"],
    )

    command = build_command(make_settings(tmp_path, engine_args="--seed 1"), deployment)

    assert command[9:15] == [
        *("--tensor-parallel-size", "1", "--pipeline-parallel-size", "2"),
        *("--distributed-executor-backend", "ray"),
    ]
    assert command[-5:] == ["--gpu-memory-utilization", "0.9", "--enforce-eager", "--seed", "1"]


@pytest.mark.parametrize(
    ("replica", "visible", "devices"),
    [(0, "", "0,1"), (1, "", "2,3"), (0, "4,5,6,7", "4,5"), (1, "4,5,6,7", "6,7")],
)
def test_each_replica_has_gpus_of_its_own(
    tmp_path: Path, replica: int, visible: str, devices: str
) -> None:
    deployment = make_deployment(tensor_parallel_size=2, replicas=2)
    inherited = {"CUDA_VISIBLE_DEVICES": visible, "REPLICA": str(replica)}

    settings = make_settings(tmp_path, replica=replica)
    env = build_environment(settings, deployment, inherited=inherited)

    assert env["CUDA_VISIBLE_DEVICES"] == devices
    assert "REPLICA" not in env


def test_replica_without_gpus_is_refused(tmp_path: Path) -> None:
    deployment = make_deployment(replicas=2)
    with pytest.raises(LaunchError) as caught:
        build_environment(
            make_settings(tmp_path, replica=1), deployment, inherited={"CUDA_VISIBLE_DEVICES": "3"}
        )
    assert str(caught.value) == "CUDA_VISIBLE_DEVICES=3 has no 1 GPUs for REPLICA=1 of m"


def test_replicas_have_folders_of_their_own(tmp_path: Path) -> None:
    folders = [make_settings(tmp_path, replica=index).deployment_dir.name for index in range(3)]

    assert folders == ["m", "m@1", "m@2"]
