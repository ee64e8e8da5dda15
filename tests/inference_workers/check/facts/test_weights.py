"""Weights in a folder: complete, missing, truncated, and their hash."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest
from huggingface_hub import constants

from inference_workers.check.facts.weights import locate_weights, read_weights
from inference_workers.check.weights_manifest import hash_weights, list_files
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment
from tests.inference_workers.launched import write_safetensors

DEPLOYMENT = Deployment(slug="m", max_model_len=1)
FROM_HUB = Deployment(slug="m", max_model_len=1, hub="acme/m", revision="abc")


def make_folder(folder: Path, *, shards: int = 2) -> Path:
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    (folder / "tokenizer.json").write_text("{}")
    names = [f"model-{index}-of-{shards}.safetensors" for index in range(shards)]
    for name in names:
        write_safetensors(folder / name, 10)
    index = {"weight_map": {f"tensor.{name}": name for name in names}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    return folder


def test_a_whole_folder(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "pytorch_model.bin").write_bytes(b"another format")

    weights = read_weights(folder, DEPLOYMENT, ask_hub=False)

    assert weights.files == ("model-0-of-2.safetensors", "model-1-of-2.safetensors")
    assert (weights.missing, weights.cut_short) == ((), ())
    assert (weights.has_folder, weights.has_config, weights.has_tokenizer) == (True, True, True)
    assert weights.size_bytes == 2 * (folder / "model-0-of-2.safetensors").stat().st_size


def test_a_shard_that_the_index_names_is_missed(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m")
    (folder / "model-1-of-2.safetensors").unlink()

    weights = read_weights(folder, DEPLOYMENT, ask_hub=False)

    assert weights.missing == ("model-1-of-2.safetensors",)


@pytest.mark.parametrize("cut", [1, 12, 60])
def test_a_shard_that_was_not_copied_to_its_end_is_noticed(tmp_path: Path, cut: int) -> None:
    folder = make_folder(tmp_path / "m")
    shard = folder / "model-1-of-2.safetensors"
    shard.write_bytes(shard.read_bytes()[:-cut])

    weights = read_weights(folder, DEPLOYMENT, ask_hub=False)

    assert weights.cut_short == ("model-1-of-2.safetensors",)


def test_the_older_format_is_read_where_there_is_no_other(tmp_path: Path) -> None:
    folder = tmp_path / "m"
    folder.mkdir()
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    for name in ("vocab.json", "merges.txt"):
        (folder / name).touch()

    weights = read_weights(folder, DEPLOYMENT, ask_hub=False)

    assert (weights.files, weights.has_tokenizer) == (("pytorch_model.bin",), True)
    assert not weights.has_config


def test_weights_that_are_not_here_would_go_to_the_hubs_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(tmp_path / "cache" / "hub"))
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "ENDPOINT", "http://127.0.0.1:9")

    asked = read_weights(tmp_path / "none", FROM_HUB, ask_hub=True)
    not_asked = read_weights(tmp_path / "none", FROM_HUB, ask_hub=False)

    assert asked.hub_error == "this machine cannot reach the model hub"
    assert not_asked.hub_error is None
    assert asked.download_folder == str(tmp_path)
    assert asked.free_bytes > 0


def test_weights_in_the_hubs_cache_are_found_at_their_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = tmp_path / "hub"
    monkeypatch.setattr("huggingface_hub.file_download.HF_HUB_CACHE", str(cache), raising=False)
    monkeypatch.setattr(constants, "HF_HUB_CACHE", str(cache))
    snapshot = make_folder(cache / "models--acme--m" / "snapshots" / "abc")
    settings = LauncherSettings(
        deployment="m", engine_dir=tmp_path / "e", weights_dir=tmp_path / "w"
    )

    assert locate_weights(settings, FROM_HUB) == snapshot
    other = FROM_HUB.model_copy(update={"revision": "def"})
    assert locate_weights(settings, other) == tmp_path / "w" / "m"


def test_the_hash_is_that_of_a_list_anybody_can_make(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m", shards=1)
    (folder / "README.md").write_text("not part of it")
    names = sorted(
        [
            "config.json",
            "model-0-of-1.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json",
        ]
    )
    lines = ""
    for name in names:
        content = (folder / name).read_bytes()
        lines += f"{name} {len(content)} {hashlib.sha256(content).hexdigest()}\n"
    told: list[tuple[int, int]] = []

    digest = hash_weights(folder, progress=lambda done, total: told.append((done, total)))

    assert digest == hashlib.sha256(lines.encode()).hexdigest()
    assert [file.name for file in list_files(folder)] == names
    assert told[-1][0] == told[-1][1] == sum((folder / name).stat().st_size for name in names)


def test_one_changed_byte_changes_the_hash(tmp_path: Path) -> None:
    folder = make_folder(tmp_path / "m")
    before = hash_weights(folder)
    shard = folder / "model-0-of-2.safetensors"
    shard.write_bytes(shard.read_bytes()[:-1] + b"\1")

    assert hash_weights(folder) != before
