"""Descriptions of machines with GPUs."""

from __future__ import annotations

from benchmarks.gpu.machine import GpuMachine
from capacity.gpus import GPUS
from capacity.memory import GIB
from inference_workers.check.machine import Gpu as FoundGpu


def found(name: str, *, index: int = 0) -> FoundGpu:
    return FoundGpu(
        index=index,
        name=name,
        memory_bytes=80 * GIB,
        free_bytes=80 * GIB,
        compute_capability=(8, 0),
    )


def machine(gpu: str = "h100-80gb", *, count: int = 1) -> GpuMachine:
    return GpuMachine(gpu=GPUS[gpu], count=count, name=GPUS[gpu].name, driver="580.1")
