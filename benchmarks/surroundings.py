"""Where a measurement was made: vLLM's interpreter and versions, the machine, the day."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

import psutil

from demo.place import Place
from demo.terminal import RefusalError
from inference_workers.check.facts.engine import read_engine
from inference_workers.check.machine import EngineEnvironment

CPUINFO = Path("/proc/cpuinfo")
GIB = 2**30


def find_engine(environment: Mapping[str, str]) -> EngineEnvironment:
    """The engine of ENGINE_PYTHON, or of `.venv-engine` if not set; raises `RefusalError`."""
    python = Path(environment.get("ENGINE_PYTHON") or Place().engine_python)
    engine, error = read_engine(python)
    if engine is None:
        raise RefusalError(f"{error}; set ENGINE_PYTHON to an interpreter with vLLM")
    return engine


def describe_versions(engine: EngineEnvironment) -> str:
    names = {"vLLM": engine.vllm, "torch": engine.torch, "transformers": engine.transformers}
    return ", ".join(f"{name} {version}" for name, version in names.items() if version)


def describe_cpu(*, cpuinfo: Path = CPUINFO) -> str:
    """Cores, processor, memory, and the load average before the start."""
    lines = cpuinfo.read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    memory = round(psutil.virtual_memory().total / GIB)
    return (
        f"{os.cpu_count()} cores of {names[0] if names else 'a CPU'}, {memory} GiB, no GPU, "
        f"load average {os.getloadavg()[0]:.1f} before the start"
    )


def today() -> str:
    return f"{datetime.now(UTC):%Y-%m-%d}"
