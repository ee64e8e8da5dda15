"""GPUs as data.

Memory is the driver's total (`nvidia-smi`), which for cards with error correction on GDDR6 is less
than the name says. Speeds and power are from the vendor's data sheet, named in `source`; tensor
FLOP/s are dense, without sparsity. `link_bytes_per_second` is what one GPU can send to its peers in
one direction: half of the data sheet's bidirectional figure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from capacity.errors import PlanError

BFLOAT16_CAPABILITY: Final = (8, 0)
"""The first compute capability whose tensor cores support bfloat16 (CUDA programming guide)."""
_MIB: Final = 2**20
_GIGA: Final = 10**9
_TERA: Final = 10**12


class Interconnect(StrEnum):
    """The connection between the GPUs of one host."""

    NVLINK = "NVLink"
    PCIE = "PCIe"


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpu:
    """One GPU, in bytes, bytes per second, floating-point operations per second, and watts."""

    slug: str
    name: str
    memory_bytes: int
    memory_bytes_per_second: int
    tensor_flops: int
    """Dense float16 with float32 accumulation; bfloat16 is as fast if supported."""
    float32_flops: int
    tdp_watts: int
    compute_capability: tuple[int, int]
    interconnect: Interconnect
    link_bytes_per_second: int
    source: str

    def flops(self, dtype: str) -> int:
        return self.float32_flops if dtype == "float32" else self.tensor_flops

    def check_dtype(self, dtype: str) -> None:
        """Raise `PlanError` if the GPU does not support `dtype`."""
        if dtype == "bfloat16" and self.compute_capability < BFLOAT16_CAPABILITY:
            major, minor = self.compute_capability
            raise PlanError(
                "dtype",
                f"{self.name} (compute capability {major}.{minor}) has no bfloat16; use float16",
            )


def _gpu(  # noqa: PLR0913 -- one row of a data sheet
    slug: str,
    name: str,
    *,
    mib: int,
    gigabytes: float,
    tflops: float,
    float32: float,
    watts: int,
    capability: tuple[int, int],
    link: tuple[Interconnect, float],
    source: str,
) -> Gpu:
    return Gpu(
        slug=slug,
        name=name,
        memory_bytes=mib * _MIB,
        memory_bytes_per_second=round(gigabytes * _GIGA),
        tensor_flops=round(tflops * _TERA),
        float32_flops=round(float32 * _TERA),
        tdp_watts=watts,
        compute_capability=capability,
        interconnect=link[0],
        link_bytes_per_second=round(link[1] * _GIGA),
        source=source,
    )


_NVLINK2 = (Interconnect.NVLINK, 150.0)
_NVLINK3 = (Interconnect.NVLINK, 300.0)
_NVLINK4 = (Interconnect.NVLINK, 450.0)
_PCIE3 = (Interconnect.PCIE, 16.0)
_PCIE4 = (Interconnect.PCIE, 32.0)

# fmt: off
GPUS: Final[Mapping[str, Gpu]] = {
    gpu.slug: gpu
    for gpu in (
        _gpu("v100-32gb", "V100-SXM2 32 GB", mib=32768, gigabytes=900, tflops=125, float32=15.7,
             watts=300, capability=(7, 0), link=_NVLINK2,
             source="NVIDIA V100 data sheet, January 2020"),
        _gpu("a100-40gb", "A100-SXM4 40 GB", mib=40960, gigabytes=1555, tflops=312, float32=19.5,
             watts=400, capability=(8, 0), link=_NVLINK3,
             source="NVIDIA A100 data sheet, June 2021"),
        _gpu("a100-80gb", "A100-SXM4 80 GB", mib=81920, gigabytes=2039, tflops=312, float32=19.5,
             watts=400, capability=(8, 0), link=_NVLINK3,
             source="NVIDIA A100 data sheet, June 2021"),
        _gpu("h100-80gb", "H100-SXM5 80 GB", mib=81559, gigabytes=3350, tflops=989.4, float32=67,
             watts=700, capability=(9, 0), link=_NVLINK4,
             source="NVIDIA H100 data sheet (half of its figures with sparsity)"),
        _gpu("h200-141gb", "H200-SXM 141 GB", mib=143771, gigabytes=4800, tflops=989.4, float32=67,
             watts=700, capability=(9, 0), link=_NVLINK4,
             source="NVIDIA H200 data sheet (half of its figures with sparsity)"),
        _gpu("a6000", "RTX A6000 48 GB", mib=49140, gigabytes=768, tflops=154.8, float32=38.7,
             watts=300, capability=(8, 6), link=_PCIE4,
             source="NVIDIA RTX A6000 data sheet (half of its tensor figure with sparsity); "
                    "PCIe, as NVLink bridges join pairs only"),
        _gpu("l40s", "L40S 48 GB", mib=46068, gigabytes=864, tflops=362.05, float32=91.6,
             watts=350, capability=(8, 9), link=_PCIE4,
             source="NVIDIA L40S data sheet"),
        _gpu("l4", "L4 24 GB", mib=23034, gigabytes=300, tflops=121, float32=30.3,
             watts=72, capability=(8, 9), link=_PCIE4,
             source="NVIDIA L4 data sheet (half of its tensor figure with sparsity)"),
        _gpu("t4", "T4 16 GB", mib=15360, gigabytes=320, tflops=65, float32=8.1,
             watts=70, capability=(7, 5), link=_PCIE3,
             source="NVIDIA T4 data sheet (its lower, sustained memory figure is 300 GB/s)"),
    )
}
"""The GPUs known by name."""
# fmt: on


def find_gpu(slug: str) -> Gpu:
    """The GPU of that name; raises `PlanError` with the known names."""
    if slug not in GPUS:
        raise PlanError("gpu", f"{slug!r} is unknown (known: {', '.join(GPUS)})")
    return GPUS[slug]
