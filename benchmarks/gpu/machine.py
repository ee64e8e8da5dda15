"""The machine's GPUs, and their data sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from capacity.gpus import GPUS, Gpu
from demo.terminal import RefusalError
from inference_workers.check.machine import Gpu as FoundGpu

NAMES: Final[Mapping[str, str]] = {
    "Tesla V100-SXM2-32GB": "v100-32gb",
    "Tesla V100-SXM3-32GB": "v100-32gb",
    "NVIDIA A100-SXM4-40GB": "a100-40gb",
    "NVIDIA A100-SXM4-80GB": "a100-80gb",
    "NVIDIA H100 80GB HBM3": "h100-80gb",
    "NVIDIA H200": "h200-141gb",
    "NVIDIA RTX A6000": "a6000",
    "NVIDIA L40S": "l40s",
    "NVIDIA L4": "l4",
    "Tesla T4": "t4",
}
"""Names in `nvidia-smi`. A PCIe card with the same chip has another data sheet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GpuMachine:
    """A host's GPUs, all of the same kind."""

    gpu: Gpu
    count: int
    name: str
    driver: str

    def __str__(self) -> str:
        return f"{self.count} × {self.name} (driver {self.driver})"  # noqa: RUF001


def find_machine(found: Sequence[FoundGpu], *, driver: str, slug: str | None = None) -> GpuMachine:
    """The machine; raises `RefusalError` if it has no GPUs, or different or unknown ones."""
    if not found:
        raise RefusalError(
            "no GPU: nvidia-smi lists none that CUDA_VISIBLE_DEVICES allows; run this on a host "
            "with a GPU, or try it with --device cpu"
        )
    names = sorted({gpu.name for gpu in found})
    if len(names) > 1:
        raise RefusalError(
            f"the GPUs differ ({', '.join(names)}); set CUDA_VISIBLE_DEVICES to GPUs of one kind"
        )
    slug = slug or NAMES.get(names[0])
    if slug is None:
        raise RefusalError(
            f"{names[0]} is unknown; give the data sheet to compare with: "
            f"--gpu, one of {', '.join(GPUS)}"
        )
    return GpuMachine(gpu=GPUS[slug], count=len(found), name=names[0], driver=driver)
