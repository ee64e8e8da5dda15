"""Reading the energy that a deployment uses.

Only the hardware that runs the model is counted: the GPUs, or on a CPU the processors' packages.
Fans, disks and the cooling of the room are not included.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, Protocol

from inference_workers.config import VISIBLE_DEVICES
from inference_workers.contract import EnergySource
from inference_workers.deployments import Deployment
from inference_workers.logs import get_logger

RAPL_FOLDER: Final = Path("/sys/class/powercap")

log = get_logger(__name__)


class MeterFailedError(Exception):
    """The meter cannot be read now."""


class PowerMeter(Protocol):
    """A counter of joules since some time; it never decreases."""

    source: EnergySource

    def read_joules(self) -> float:
        """Joules so far; raises `MeterFailedError`."""
        ...


class NvmlMeter:
    """The GPUs' own energy counters, available since Volta."""

    source = EnergySource.NVML

    def __init__(self, nvml: Any, handles: list[Any]) -> None:  # noqa: ANN401 -- pynvml is untyped
        self._nvml = nvml
        self._handles = handles

    def read_joules(self) -> float:
        try:
            millijoules = [
                self._nvml.nvmlDeviceGetTotalEnergyConsumption(handle) for handle in self._handles
            ]
        except self._nvml.NVMLError as error:
            raise MeterFailedError(type(error).__name__) from error
        return float(sum(millijoules)) / 1000


class RaplMeter:
    """The processors' packages, from Linux powercap counters, which wrap around."""

    source = EnergySource.RAPL

    def __init__(self, packages: list[Path]) -> None:
        self._packages = packages
        self._last = [_read_number(package / "energy_uj") for package in packages]
        self._limits = [_read_number(package / "max_energy_range_uj") for package in packages]
        self._microjoules = 0

    def read_joules(self) -> float:
        for index, package in enumerate(self._packages):
            value = _read_number(package / "energy_uj")
            step = value - self._last[index]
            self._microjoules += step if step >= 0 else step + self._limits[index]
            self._last[index] = value
        return self._microjoules / 1e6


def find_meter(
    deployment: Deployment, *, replica: int = 0, rapl_folder: Path = RAPL_FOLDER
) -> PowerMeter | None:
    """The meter for the hardware of the deployment's engine, or None if it cannot be read."""
    if deployment.engine != "vllm":
        return None
    if deployment.runs_on_cpu:
        return _find_rapl(rapl_folder)
    return _find_nvml(deployment.world_size, replica=replica)


def _find_rapl(folder: Path) -> RaplMeter | None:
    # `intel-rapl:0` is a package (AMD's have the same name); `intel-rapl:0:1` is a part of it.
    packages = sorted(path for path in folder.glob("intel-rapl:*") if path.name.count(":") == 1)
    with suppress(MeterFailedError):
        return RaplMeter(packages) if packages else None
    return None


def _find_nvml(count: int, *, replica: int) -> NvmlMeter | None:
    """The replica's `count` GPUs of those in CUDA_VISIBLE_DEVICES, as its launcher chooses them.

    None if this process sees fewer, so that a part of the GPUs does not count as all of them.
    """
    try:
        import pynvml  # noqa: PLC0415 -- loads the driver's library
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        names = _name_devices(pynvml)[replica * count :][:count]
        handles = [_find_device(pynvml, name) for name in names]
        meter = NvmlMeter(pynvml, handles)
        meter.read_joules()
    except (pynvml.NVMLError, MeterFailedError, ValueError) as error:
        log.info("gpu_power_not_measured", error=type(error).__name__)
        return None
    return meter if len(handles) == count else None


def _name_devices(nvml: Any) -> list[str]:  # noqa: ANN401
    visible = os.environ.get(VISIBLE_DEVICES, "")
    if visible:
        return [name.strip() for name in visible.split(",")]
    return [str(index) for index in range(nvml.nvmlDeviceGetCount())]


def _find_device(nvml: Any, name: str) -> Any:  # noqa: ANN401
    if name.startswith("GPU-"):
        return nvml.nvmlDeviceGetHandleByUUID(name)
    return nvml.nvmlDeviceGetHandleByIndex(int(name))


def _read_number(file: Path) -> int:
    try:
        return int(file.read_text(encoding="ascii"))
    except (OSError, ValueError) as error:
        raise MeterFailedError(type(error).__name__) from error
