"""Whether Gatehouse was tested with the engine's environment."""

from __future__ import annotations

from collections.abc import Iterator

from inference_workers.check.finding import Finding, ok, problem, warning
from inference_workers.check.machine import EngineEnvironment, Machine
from inference_workers.deployments import Deployment

TRIED_VLLM = "0.32"
LEAST_DRIVERS = {"12": 525, "13": 580}
"""The oldest NVIDIA driver for each major version of CUDA."""


def check_versions(deployment: Deployment, machine: Machine) -> Iterator[Finding]:
    """Check the engine's packages and the GPUs' driver."""
    yield check_engine(machine)
    if machine.engine is None:
        return
    if machine.driver and machine.engine.cuda:
        yield check_driver(machine.driver, machine.engine.cuda)
    if deployment.nnodes > 1 and deployment.distributed_executor_backend == "ray":
        yield check_ray(machine.engine)


def check_engine(machine: Machine) -> Finding:
    """Check that vLLM is installed, in the version that was tested."""
    engine = machine.engine
    if engine is None:
        return problem(
            "engine",
            machine.engine_error,
            "set ENGINE_PYTHON to the interpreter of an environment with vLLM",
        )
    build = f"CUDA {engine.cuda}" if engine.cuda else "CPU"
    found = (
        f"vLLM {engine.vllm or 'unknown'}, torch {engine.torch or 'unknown'} for {build}, "
        f"transformers {engine.transformers or 'unknown'}"
    )
    if engine.vllm != TRIED_VLLM and not engine.vllm.startswith(f"{TRIED_VLLM}."):
        return warning(
            "engine",
            found,
            f"Gatehouse was tested with vLLM {TRIED_VLLM}; test this version before you rely on it",
        )
    return ok("engine", found)


def check_driver(driver: str, cuda: str) -> Finding:
    """Check that the driver is new enough for torch's CUDA."""
    least = LEAST_DRIVERS.get(cuda.partition(".")[0])
    major = driver.partition(".")[0]
    if least is None or not major.isdigit():
        return warning("driver", f"{driver}, for CUDA {cuda}", "compare them in NVIDIA's table")
    if int(major) < least:
        return warning(
            "driver",
            f"{driver} is older than the {least} that CUDA {cuda} needs",
            "install a newer NVIDIA driver, or NVIDIA's forward compatibility package",
        )
    return ok("driver", f"{driver}, for CUDA {cuda}")


def check_ray(engine: EngineEnvironment) -> Finding:
    """Check for Ray, which a deployment on a Ray cluster needs in the engine's environment."""
    if engine.has_ray:
        return ok("ray", "installed; `ray status` shows whether the cluster has all hosts")
    return problem(
        "ray", f"Ray is not installed for {engine.python}", "install ray there, on every host"
    )
