"""Whether there are enough GPUs, and whether they support the deployment's dtype."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from capacity.config_json import DEFAULT_DTYPE
from capacity.gpus import BFLOAT16_CAPABILITY
from inference_workers.check.finding import Finding, count, ok, problem, warning
from inference_workers.check.machine import EngineEnvironment, Gpu, Machine
from inference_workers.deployments import Deployment

LEAST_CAPABILITY = {"bfloat16": BFLOAT16_CAPABILITY, "float16": (7, 0), "float32": (7, 0)}
"""Required by vLLM's kernels; vLLM itself refuses bfloat16 below 8.0."""


def check_gpus(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Check the number and capabilities of the GPUs, or what it means to have none."""
    if not machine.gpus and machine.engine is None:
        yield warning("gpus", "none is visible", "vLLM's build decides whether one is needed")
        return
    if not machine.gpus and machine.engine is not None and machine.engine.is_for_cpu:
        yield check_without_gpus(deployment)
        return
    yield check_number(deployment, machine.gpus)
    if machine.gpus:
        yield check_alike(machine.gpus)
        yield check_capability(deployment, machine)
        if machine.engine is not None:
            yield check_kernels(machine.gpus, machine.engine)


def check_without_gpus(deployment: Deployment) -> Finding:
    """A CPU build of vLLM runs everything, but slowly."""
    ranks = deployment.ranks_per_node * deployment.replicas
    if deployment.dtype == "float32":
        return ok("gpus", f"none, and none is needed: CPU build of vLLM, {count(ranks, 'rank')}")
    return warning(
        "gpus",
        f"none: this is a CPU build of vLLM, and the deployment uses {deployment.dtype}",
        "expect it to be slow; a GPU needs a CUDA build of vLLM in ENGINE_PYTHON",
    )


def check_number(deployment: Deployment, gpus: tuple[Gpu, ...]) -> Finding:
    """Check that every rank on this host has its own GPU."""
    ranks, replicas = deployment.ranks_per_node, deployment.replicas
    needed = ranks * replicas
    split = f"{ranks} for each of {replicas} replicas" if replicas > 1 else count(ranks, "rank")
    hosts = f" on each of {deployment.nnodes} hosts" if deployment.nnodes > 1 else ""
    if len(gpus) < needed:
        return problem(
            "gpus",
            f"{count(needed, 'GPU')} needed{hosts} ({split}), {len(gpus)} visible",
            "run `nvidia-smi`, check CUDA_VISIBLE_DEVICES, or choose a deployment with fewer",
        )
    if len(gpus) > needed:
        return warning(
            "gpus",
            f"{count(len(gpus), 'GPU')}, {needed} of them used{hosts} ({split})",
            "the others are idle unless another deployment or more replicas use them",
        )
    return ok("gpus", f"{len(gpus)} x {gpus[0].name}{hosts} ({split})")


def check_alike(gpus: tuple[Gpu, ...]) -> Finding:
    """Check that the GPUs are of one kind: with equal shares, the smallest sets the limit."""
    kinds = Counter(gpu.name for gpu in gpus)
    if len(kinds) == 1:
        return ok("gpu kinds", "all GPUs are of one kind")
    names = ", ".join(f"{count} x {name}" for name, count in kinds.items())
    return warning(
        "gpu kinds",
        f"the GPUs differ ({names})",
        "the smallest sets the limit; choose GPUs of one kind with CUDA_VISIBLE_DEVICES",
    )


def check_capability(deployment: Deployment, machine: Machine) -> Finding:
    """Check that the GPUs' hardware supports the dtype."""
    stored = machine.model.dtype if machine.model is not None else DEFAULT_DTYPE
    dtype = deployment.resolve_dtype(stored)
    least = LEAST_CAPABILITY[dtype]
    oldest = min(machine.gpus, key=lambda gpu: gpu.compute_capability)
    capability = name_capability(oldest.compute_capability)
    if oldest.compute_capability < least:
        way_out = "set dtype to float16" if dtype == "bfloat16" else "use newer GPUs"
        return problem(
            "dtype",
            f"{dtype} needs compute capability {name_capability(least)}, {oldest.name} has "
            f"{capability}",
            way_out,
        )
    return ok("dtype", f"{dtype} on compute capability {capability}")


def check_kernels(gpus: tuple[Gpu, ...], engine: EngineEnvironment) -> Finding:
    """Check that the engine's torch was built for these GPUs."""
    if not engine.cuda:
        return problem(
            "kernels",
            "the GPUs cannot be used: torch in ENGINE_PYTHON is a CPU build",
            "install the CUDA build of vLLM, or use its image",
        )
    if not engine.gpu_architectures:
        return warning(
            "kernels",
            "torch does not report which GPUs it was built for",
            "look for `no kernel image` in the engine's log",
        )
    for gpu in gpus:
        if not _has_kernels(gpu.compute_capability, engine.gpu_architectures):
            built = ", ".join(engine.gpu_architectures)
            return problem(
                "kernels",
                f"torch for CUDA {engine.cuda} has no kernels for {gpu.name}, compute capability "
                f"{name_capability(gpu.compute_capability)} (it has {built})",
                "build vLLM and torch from source for this GPU, or use other GPUs",
            )
    return ok("kernels", f"torch for CUDA {engine.cuda} was built for these GPUs")


def name_capability(capability: tuple[int, int]) -> str:
    return ".".join(str(number) for number in capability)


def _has_kernels(capability: tuple[int, int], architectures: tuple[str, ...]) -> bool:
    """Binary code runs on its minor version and later of the same major; PTX on all newer GPUs."""
    for name in architectures:
        kind, _, digits = name.partition("_")
        digits = digits.rstrip("af")
        if not digits.isdigit():
            continue
        built = (int(digits[:-1]), int(digits[-1]))
        if kind == "sm" and built[0] == capability[0] and built[1] <= capability[1]:
            return True
        if kind == "compute" and built <= capability:
            return True
    return False
