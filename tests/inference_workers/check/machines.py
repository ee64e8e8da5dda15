"""Machines to check deployments against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from capacity.memory import GIB
from inference_workers.check.finding import Finding, Level
from inference_workers.check.machine import (
    GB,
    EngineEnvironment,
    Gpu,
    Machine,
    Network,
    Weights,
)
from inference_workers.check.model import ModelFacts, find_model
from inference_workers.check.run import run_checks
from inference_workers.deployments import PACKAGED_MODELS_FILE, Deployment, load_deployments

PACKAGED = load_deployments(PACKAGED_MODELS_FILE)
OPT_175B = PACKAGED["opt-175b"]
MIB = 2**20
CUDA_13 = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120", "compute_120")
ENGINE = EngineEnvironment(
    python="/opt/engine/bin/python",
    vllm="0.32.0",
    torch="2.13.0",
    transformers="5.19.0",
    cuda="13.0",
    gpu_architectures=CUDA_13,
    model_architectures=frozenset({"OPTForCausalLM", "LlamaForCausalLM", "GPTNeoXForCausalLM"}),
)
CPU_ENGINE = replace(ENGINE, cuda="", gpu_architectures=())
KINDS = {
    "A100-80GB": (81920, (8, 0)),
    "A100-40GB": (40960, (8, 0)),
    "V100-32GB": (32768, (7, 0)),
    "T4": (15360, (7, 5)),
}


def make_gpus(number: int, kind: str, *, free_share: float = 1.0) -> tuple[Gpu, ...]:
    mib, capability = KINDS[kind]
    return tuple(
        Gpu(
            index=index,
            name=kind,
            memory_bytes=mib * MIB,
            free_bytes=int(mib * MIB * free_share),
            compute_capability=capability,
        )
        for index in range(number)
    )


def make_machine(deployment: Deployment, **changes: Any) -> Machine:
    """A suitable host, except for `changes`."""
    name = deployment.weights_folder_name
    machine = Machine(
        memory_bytes=1000 * GB,
        available_bytes=900 * GB,
        engine=ENGINE,
        driver="580.65.06",
        model=find_model_by_name(name),
        weights=Weights(
            folder=f"/weights/{name}",
            has_folder=True,
            has_config=True,
            has_tokenizer=True,
            files=("model-1.safetensors", "model-2.safetensors"),
            size_bytes=350 * GB,
            sha256=deployment.weights_sha256,
        ),
        network=Network(socket_path=f"/run/engines/{name}/engine.sock", node_rank=0),
    )
    return replace(machine, **changes)


def find_model_by_name(name: str) -> ModelFacts | None:
    return find_model(Path("/none"), name)


def cpu_machine(deployment: Deployment, **changes: Any) -> Machine:
    """Two cores and 24 GiB, as in the tests' own host."""
    values: dict[str, Any] = {
        "memory_bytes": 24 * GIB,
        "available_bytes": 20 * GIB,
        "engine": CPU_ENGINE,
        "driver": "",
        "cpu_kv_bytes": GIB,
    }
    return make_machine(deployment, **values | changes)


def find(findings: list[Finding], check: str) -> Finding:
    """The only finding of that check."""
    [found] = [finding for finding in findings if finding.check == check]
    return found


def problems(deployment: Deployment, machine: Machine) -> list[str]:
    """The checks that fail."""
    return [
        finding.check
        for finding in run_checks(deployment, machine)
        if finding.level is Level.PROBLEM
    ]


def vary(**values: Any) -> Deployment:
    """OPT-175B at TP 8, with changes."""
    return OPT_175B.model_copy(update=values)


def judge(finding: Finding) -> tuple[str, str]:
    return finding.level, finding.sentence
