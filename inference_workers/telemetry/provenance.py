"""The provenance of this worker's results, as far as it is known."""

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
"""Folders up to this size are hashed at the start; larger ones have a hash in models.toml."""


class ProvenanceReader:
    """Reads the engine's version and the weights' hash."""

    def __init__(
        self, engine: Engine, *, settings: LauncherSettings, deployment: Deployment
    ) -> None:
        self._engine = engine
        self._deployment = deployment
        self._folder = settings.weights_folder(deployment)
        self._weights = ""
        self.known: Provenance | None = None

    async def read(self) -> Provenance | None:
        """Read the provenance; None if the engine has never responded.

        The version is read each time, because the engine may have been replaced.
        """
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
    """`sha256:<hash>` if it is known or quick to compute, otherwise the weights' source."""
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
    """The deployment's dtype, or that of the weights' configuration."""
    if deployment.dtype != "auto":
        return deployment.dtype
    try:
        return read_dtype(json.loads((folder / "config.json").read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return "auto"
