"""Tokenizers are found beside the weights, in either of the published layouts."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from inference_workers.config import WorkerSettings
from inference_workers.deployments import Deployment
from inference_workers.tokenizer.files import TokenizerCodec, load_tokenizer
from tests.inference_workers.test_text import build_byte_level_tokenizer

HUB = "facebook/opt-125m"


@pytest.fixture
def trained() -> Tokenizer:
    return build_byte_level_tokenizer()


@pytest.fixture(autouse=True)
def hub_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.delenv("HF_HUB_CACHE", raising=False)
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hf"))
    return tmp_path / "hf" / "hub"


def save_as_opt(tokenizer: Tokenizer, folder: Path) -> None:
    """OPT's repositories have vocab.json and merges.txt, and no tokenizer.json."""
    folder.mkdir(parents=True)
    model = json.loads(tokenizer.to_str())["model"]
    (folder / "vocab.json").write_text(json.dumps(model["vocab"]))
    lines = [" ".join(merge) for merge in model["merges"]]
    (folder / "merges.txt").write_text("\n".join(["#version: 0.2", *lines]))


def test_missing_files_are_no_error(
    worker_settings: WorkerSettings, deployment: Deployment
) -> None:
    assert load_tokenizer(worker_settings, deployment) is None


@pytest.mark.parametrize("place", ["weights_dir", "engine_dir"])
def test_tokenizer_json_is_found(
    worker_settings: WorkerSettings, deployment: Deployment, trained: Tokenizer, place: str
) -> None:
    folder = getattr(worker_settings, place) / "scripted"
    folder.mkdir(parents=True)
    trained.save(str(folder / "tokenizer.json"))

    found = load_tokenizer(worker_settings, deployment)

    assert found is not None
    assert found.tokenizer.get_vocab() == trained.get_vocab()


def test_opts_own_layout_is_read_from_the_hubs_cache(
    worker_settings: WorkerSettings,
    deployment: Deployment,
    trained: Tokenizer,
    hub_cache: Path,
) -> None:
    save_as_opt(trained, hub_cache / "models--facebook--opt-125m" / "snapshots" / "abc")

    found = load_tokenizer(worker_settings, deployment.model_copy(update={"hub": HUB}))

    assert found is not None
    text = "the model writes naïve 🙂 words"
    beginning = trained.token_to_id("</s>")
    ids = found.tokenizer.encode(text).ids
    assert ids == [beginning, *trained.encode(text).ids]
    assert TokenizerCodec(found.tokenizer).decode(ids) == text
