"""Collects all facts about this machine that matter for one deployment."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from capacity.memory import GIB
from inference_workers.check.facts.engine import read_engine
from inference_workers.check.facts.gpus import read_gpus
from inference_workers.check.facts.memory import read_memory
from inference_workers.check.facts.network import read_network
from inference_workers.check.facts.weights import locate_weights, read_weights
from inference_workers.check.machine import Machine
from inference_workers.check.model import find_model
from inference_workers.config import VISIBLE_DEVICES, LauncherSettings
from inference_workers.deployments import Deployment

KV_SPACE = "VLLM_CPU_KVCACHE_SPACE"


def gather(settings: LauncherSettings, deployment: Deployment, *, ask_hub: bool) -> Machine:
    """Collect the facts once, without loading weights or changing anything."""
    if settings.engine_url or deployment.engine != "vllm":
        machine = Machine(memory_bytes=0, available_bytes=0, engine=None)
        return replace(machine, network=read_network(settings, deployment))
    engine, engine_error = read_engine(settings.engine_python)
    gpus, driver = read_gpus(os.environ.get(VISIBLE_DEVICES))
    total, available = read_memory()
    folder = locate_weights(settings, deployment)
    return Machine(
        memory_bytes=total,
        available_bytes=available,
        engine=engine,
        engine_error=engine_error,
        gpus=gpus,
        driver=driver,
        cpu_kv_bytes=_find_cpu_kv(deployment),
        model=find_model(folder, *_names(deployment, folder)),
        weights=read_weights(folder, deployment, ask_hub=ask_hub),
        network=read_network(settings, deployment),
    )


def _names(deployment: Deployment, folder: Path) -> tuple[str, ...]:
    """Names by which `capacity` may know the model before its configuration is on this host."""
    return folder.name, deployment.hub.rpartition("/")[2]


def _find_cpu_kv(deployment: Deployment) -> int | None:
    value = deployment.env.get(KV_SPACE) or os.environ.get(KV_SPACE, "")
    return int(value) * GIB if value.isdigit() else None
