"""Read facts about the weights' files, the disk and the hub."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import quote
from urllib.request import Request, urlopen

from huggingface_hub import constants, try_to_load_from_cache
from huggingface_hub.utils import build_hf_headers  # type: ignore[attr-defined]

from inference_workers.check.machine import Weights
from inference_workers.config import LauncherSettings
from inference_workers.deployments import Deployment

INDEXES = ("model.safetensors.index.json", "pytorch_model.bin.index.json")
PATTERNS = ("*.safetensors", "pytorch_model*.bin")
"""In vLLM's order of preference: safetensors if there are any."""
TOKENIZERS = (("tokenizer.json",), ("vocab.json", "merges.txt"))
LENGTH_BYTES = 8
LONGEST_HEADER = 100 * 10**6
HUB_SECONDS = 5


def locate_weights(settings: LauncherSettings, deployment: Deployment) -> Path:
    """The folder with the weights, in WEIGHTS_DIR or in the hub's cache.

    If there are none, the folder in WEIGHTS_DIR where they must be put.
    """
    folder = settings.weights_folder(deployment)
    if folder.exists() or not deployment.hub:
        return folder
    cached = try_to_load_from_cache(
        deployment.hub, "config.json", revision=deployment.revision or None
    )
    return Path(cached).parent if isinstance(cached, str) else folder


def read_weights(folder: Path, deployment: Deployment, *, ask_hub: bool) -> Weights:
    """All facts about the weights except the hash, which takes minutes for large models."""
    if folder.exists():
        return _read_folder(folder)
    download = _existing(folder.parent)
    return Weights(
        folder=os.fspath(folder),
        download_folder=os.fspath(download),
        free_bytes=shutil.disk_usage(download).free,
        hub_error=_ask_hub(deployment) if ask_hub and deployment.hub else None,
    )


def find_weight_files(folder: Path) -> tuple[list[str], list[str]]:
    """Names of the files that vLLM would read, and of files that an index lists but are missing."""
    for index in INDEXES:
        named = _read_index(folder / index)
        if named:
            missing = [name for name in named if not (folder / name).is_file()]
            return [name for name in named if name not in missing], missing
    for pattern in PATTERNS:
        names = sorted(file.name for file in folder.glob(pattern))
        if names:
            return names, []
    return [], []


def is_cut_short(file: Path) -> bool:
    """Whether a safetensors file is shorter than its header says; False for other formats."""
    if file.suffix != ".safetensors":
        return False
    size = file.stat().st_size
    with file.open("rb") as stream:
        length = int.from_bytes(stream.read(LENGTH_BYTES), "little")
        if length > min(size, LONGEST_HEADER):
            return True
        try:
            header: Mapping[str, Any] = json.loads(stream.read(length))
            ends = [entry["data_offsets"][1] for name, entry in header.items() if name[:2] != "__"]
        except (ValueError, KeyError, IndexError, TypeError, AttributeError):
            return True
    return size != LENGTH_BYTES + length + max(ends, default=0)


def _read_folder(folder: Path) -> Weights:
    files, missing = find_weight_files(folder)
    return Weights(
        folder=os.fspath(folder),
        has_folder=True,
        has_config=(folder / "config.json").is_file(),
        has_tokenizer=any(all((folder / name).is_file() for name in names) for names in TOKENIZERS),
        files=tuple(files),
        missing=tuple(missing),
        cut_short=tuple(name for name in files if is_cut_short(folder / name)),
        size_bytes=sum((folder / name).stat().st_size for name in files),
    )


def _read_index(file: Path) -> list[str]:
    try:
        return sorted(set(json.loads(file.read_text(encoding="utf-8"))["weight_map"].values()))
    except (OSError, ValueError, KeyError, AttributeError):
        return []


def _ask_hub(deployment: Deployment) -> str:
    """The reason why the hub does not provide the weights; empty if it does."""
    if constants.HF_HUB_OFFLINE:
        return "HF_HUB_OFFLINE is set"
    revision = quote(deployment.revision or "main", safe="")
    address = f"{constants.ENDPOINT}/api/models/{deployment.hub}/revision/{revision}"
    request = Request(address, headers=build_hf_headers())  # noqa: S310 -- the scheme is the hub library's
    try:
        with urlopen(request, timeout=HUB_SECONDS):  # noqa: S310
            return ""
    except HTTPError as error:
        return error.headers["X-Error-Message"] or f"the model hub returns {error.code}"
    except OSError:
        return "this machine cannot reach the model hub"


def _existing(folder: Path) -> Path:
    """The folder, or its nearest parent that exists."""
    return next(
        place for place in (folder.absolute(), *folder.absolute().parents) if place.exists()
    )
