"""Where this worker's results come from, as far as it can know."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from capacity.config_json import read_dtype
from inference_workers.check.weights_manifest import hash_weights, list_files
from inference_workers.config import LauncherSettings
from inference_workers.contract import Provenance
from inference_workers.deployments import Deployment
from inference_workers.engines.base import Engine, EngineUnavailableError

HASHED_BYTES = 2 * 2**30
"""Folders up to this size are hashed at the start; larger ones bear their hash in models.toml."""


class ProvenanceReader:
    """Asks the engine for its version, and the weights for their hash, once each."""

    def __init__(
        self, engine: Engine, *, settings: LauncherSettings, deployment: Deployment
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._folder = settings.weights_folder(deployment)
        self._weights = ""
        self.known: Provenance | None = None

    async def read(self) -> Provenance | None:
        """None while the engine does not answer. Asks again, for an engine may be exchanged."""
        deployment = self._deployment
        try:
            version = await self._engine.version()
        except EngineUnavailableError:
            return self.known
        self._weights = self._weights or await asyncio.to_thread(
            name_weights, deployment, self._folder
        )
        self.known = Provenance(
            engine="scripted" if deployment.engine == "scripted" else "vllm",
            engine_version=version,
            model=deployment.model_name,
            weights=self._weights,
            dtype=find_dtype(deployment, self._folder),
            tensor_parallel_size=deployment.tensor_parallel_size,
            pipeline_parallel_size=deployment.pipeline_parallel_size,
            max_model_len=deployment.max_model_len,
        )
        return self.known


def name_weights(deployment: Deployment, folder: Path) -> str:
    """`sha256:<hash>` where it is known or quickly found, else where they came from."""
    if deployment.weights_sha256:
        return f"sha256:{deployment.weights_sha256}"
    try:
        files = list_files(folder)
        if files and sum(file.stat().st_size for file in files) <= HASHED_BYTES:
            return f"sha256:{hash_weights(folder)}"
    except OSError:
        files = []
    if deployment.hub and not files:
        return f"hub:{deployment.hub}@{deployment.revision or 'newest'}"
    return f"folder:{deployment.weights_folder_name}"


def find_dtype(deployment: Deployment, folder: Path) -> str:
    """The deployment's, or what the weights' own configuration says."""
    if deployment.dtype != "auto":
        return deployment.dtype
    try:
        return read_dtype(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return "auto"
