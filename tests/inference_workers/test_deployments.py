"""Deployments are data; a wrong file is one line that names the place."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference_workers.deployments import (
    PACKAGED_MODELS_FILE,
    load_deployment,
    load_deployments,
)
from inference_workers.errors import ConfigurationError


def test_packaged_file_has_every_size_of_opt_and_the_demo() -> None:
    assert set(load_deployments(PACKAGED_MODELS_FILE)) == {
        *("opt-125m", "opt-350m", "opt-1.3b", "opt-2.7b", "opt-6.7b", "opt-13b", "opt-30b"),
        *("opt-66b", "opt-175b", "opt-175b-tp16", "smollm2-135m", "tiny-opt-tp2"),
    }


@pytest.mark.parametrize(("slug", "size"), [("opt-175b", 8), ("opt-175b-tp16", 16)])
def test_opt_175b_is_ready_for_8_and_16_gpus(slug: str, size: int) -> None:
    deployment = load_deployment(PACKAGED_MODELS_FILE, slug)

    assert deployment.tensor_parallel_size == size
    assert (deployment.model_name, deployment.weights_folder_name) == ("opt-175b", "opt-175b")
    assert deployment.max_model_len == 2048
    # vLLM splits OPT's 96 attention heads evenly or not at all.
    assert 96 % size == 0


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
