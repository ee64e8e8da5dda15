"""Read the GPUs from the NVIDIA driver."""

from __future__ import annotations

import subprocess

from inference_workers.check.machine import Gpu

MIB = 2**20
NVIDIA_SMI_SECONDS = 30
FIELDS = ("index", "uuid", "name", "memory.total", "memory.free", "compute_cap", "driver_version")
COMMAND = (
    "nvidia-smi",
    f"--query-gpu={','.join(FIELDS)}",
    "--format=csv,noheader,nounits",
)


def read_gpus(visible: str | None) -> tuple[tuple[Gpu, ...], str]:
    """The GPUs in CUDA_VISIBLE_DEVICES, and the driver's version; no GPUs without a driver."""
    try:
        done = subprocess.run(  # noqa: S603 -- a constant
            COMMAND, check=False, timeout=NVIDIA_SMI_SECONDS, capture_output=True, text=True
        )
    except (OSError, subprocess.TimeoutExpired):
        return (), ""
    return parse_gpus(done.stdout, visible=visible) if done.returncode == 0 else ((), "")


def parse_gpus(output: str, *, visible: str | None) -> tuple[tuple[Gpu, ...], str]:
    """Read nvidia-smi's table; lines with `[N/A]` instead of a number are left out."""
    gpus, driver = [], ""
    for line in output.splitlines():
        cells = [cell.strip() for cell in line.split(",")]
        if len(cells) != len(FIELDS):
            continue
        index, uuid, name, total, free, capability, driver = cells
        if not _is_visible(index, uuid, visible):
            continue
        try:
            major, minor = (int(number) for number in capability.split("."))
            memory_bytes, free_bytes = int(total) * MIB, int(free) * MIB
        except ValueError:
            continue
        gpus.append(
            Gpu(
                index=int(index),
                name=name,
                memory_bytes=memory_bytes,
                free_bytes=free_bytes,
                compute_capability=(major, minor),
            )
        )
    return tuple(gpus), driver


def _is_visible(index: str, uuid: str, visible: str | None) -> bool:
    """Whether the GPU is visible, as CUDA reads the variable: unset means all, empty means none."""
    if visible is None:
        return True
    names = [name.strip() for name in visible.split(",") if name.strip()]
    return any(name == index or uuid.startswith(name) for name in names)
