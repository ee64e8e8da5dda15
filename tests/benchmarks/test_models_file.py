"""What a measured site serves."""

from __future__ import annotations

from pathlib import Path

from benchmarks.models_file import DEPLOYMENT, write_models_file
from capacity.shapes import SHAPES
from inference_workers.deployments import load_deployments


def test_the_packaged_model_with_its_slots(tmp_path: Path) -> None:
    file = write_models_file(
        tmp_path, slots=100, context=1024, weights="some-folder", with_dummy=None
    )

    deployment = load_deployments(file)[DEPLOYMENT]
    assert (deployment.weights, deployment.max_num_seqs) == ("some-folder", 100)
    assert (deployment.dtype, deployment.has_dummy_weights) == ("float32", False)


def test_a_shape_with_dummy_weights_under_the_same_name(tmp_path: Path) -> None:
    file = write_models_file(
        tmp_path, slots=32, context=1024, weights="", with_dummy=SHAPES["opt-1.3b"]
    )

    deployment = load_deployments(file)[DEPLOYMENT]
    assert deployment.weights == str(tmp_path / "opt-1.3b")
    assert (tmp_path / "opt-1.3b" / "config.json").is_file()
    assert (deployment.dtype, deployment.has_dummy_weights) == ("bfloat16", True)
