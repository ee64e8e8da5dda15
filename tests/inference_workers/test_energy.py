"""Energy is measured where there is a meter, assumed where a figure is given, else unknown."""

from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from inference_workers.contract import EnergySource, EngineState
from inference_workers.deployments import Deployment
from inference_workers.telemetry.energy import EnergyCounter, EnergyReading
from inference_workers.telemetry.power import MeterFailedError, find_meter
from tests.inference_workers.conftest import StartWorker

READY, STARTING, DOWN = EngineState.READY, EngineState.STARTING, EngineState.DOWN


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class Meter:
    """Returns the value that the test sets."""

    source = EnergySource.NVML

    def __init__(self, *joules: float | None) -> None:
        self._joules = list(joules)

    def read_joules(self) -> float:
        joules = self._joules.pop(0)
        if joules is None:
            raise MeterFailedError("gone")
        return joules


def test_assumed_power_counts_while_the_engine_is_not_down() -> None:
    clock = Clock()
    counter = EnergyCounter(None, assumed_watts=3200.0, clock=clock)
    readings = []
    for state in (STARTING, READY, DOWN, READY):
        clock.now += 2.0
        readings.append(counter.read(state))

    assert readings == [
        EnergyReading(EnergySource.ASSUMED, 6400.0, 3200.0),
        EnergyReading(EnergySource.ASSUMED, 12800.0, 3200.0),
        EnergyReading(EnergySource.ASSUMED, 12800.0, 0.0),
        EnergyReading(EnergySource.ASSUMED, 19200.0, 3200.0),
    ]


def test_a_meter_counts_from_the_workers_start_whatever_the_engine_does() -> None:
    clock = Clock()
    counter = EnergyCounter(Meter(5000.0, 5600.0, 5900.0), assumed_watts=1.0, clock=clock)
    clock.now += 2.0
    first = counter.read(READY)
    clock.now += 2.0

    assert first == EnergyReading(EnergySource.NVML, 600.0, 300.0)
    assert counter.read(DOWN) == EnergyReading(EnergySource.NVML, 900.0, 150.0)


def test_a_meter_that_fails_or_begins_again_never_takes_anything_back() -> None:
    clock = Clock()
    counter = EnergyCounter(
        Meter(5000.0, 5600.0, None, 40.0, 140.0), assumed_watts=None, clock=clock
    )
    joules = []
    for _ in range(4):
        clock.now += 1.0
        joules.append(counter.read(READY).joules)

    assert joules == [600.0, 600.0, 600.0, 700.0]


def test_without_meter_and_assumption_nothing_is_claimed() -> None:
    clock = Clock()
    counter = EnergyCounter(None, assumed_watts=None, clock=clock)
    clock.now += 2.0

    assert counter.read(READY) == EnergyReading(EnergySource.UNKNOWN, 0.0, None)


def write_package(folder: Path, name: str, *, energy: int, limit: int = 1000_000_000) -> Path:
    package = folder / name
    package.mkdir(parents=True, exist_ok=True)
    (package / "energy_uj").write_text(f"{energy}\n")
    (package / "max_energy_range_uj").write_text(f"{limit}\n")
    return package


CPU = Deployment(slug="cpu", max_model_len=8, env={"VLLM_CPU_KVCACHE_SPACE": "1"})
GPU = Deployment(slug="gpu", max_model_len=8, tensor_parallel_size=2)


def test_processors_are_read_by_package_and_across_a_wrap(tmp_path: Path) -> None:
    write_package(tmp_path, "intel-rapl:0", energy=999_000_000)
    write_package(tmp_path, "intel-rapl:1", energy=0)
    write_package(tmp_path, "intel-rapl:0:0", energy=7)
    meter = find_meter(CPU, rapl_folder=tmp_path)
    assert meter is not None
    start = meter.read_joules()
    write_package(tmp_path, "intel-rapl:0", energy=4_000_000)
    write_package(tmp_path, "intel-rapl:1", energy=2_000_000)

    assert (meter.source, start, meter.read_joules()) == (EnergySource.RAPL, 0.0, 7.0)


def test_processors_that_may_not_be_read_are_no_meter(tmp_path: Path) -> None:
    (tmp_path / "intel-rapl:0").mkdir()

    assert find_meter(CPU, rapl_folder=tmp_path) is None
    assert find_meter(CPU, rapl_folder=tmp_path / "none") is None


def fake_nvml(*millijoules: int) -> SimpleNamespace:
    """NVIDIA's library with one device for each counter; handles are positions."""

    class NVMLError(Exception):
        pass

    def by_uuid(name: str) -> int:
        raise NVMLError(name)

    return SimpleNamespace(
        NVMLError=NVMLError,
        nvmlInit=lambda: None,
        nvmlDeviceGetCount=lambda: len(millijoules),
        nvmlDeviceGetHandleByIndex=lambda index: index,
        nvmlDeviceGetHandleByUUID=by_uuid,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: millijoules[handle],
    )


@pytest.mark.parametrize(
    ("visible", "joules"),
    [("", 3.0), ("2,3", 12.0), ("3,0,1", 9.0), ("1", None), ("MIG-x,MIG-y", None), ("GPU-a", None)],
)
def test_gpus_are_those_that_the_engine_takes(
    monkeypatch: pytest.MonkeyPatch, visible: str, joules: float | None
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(1000, 2000, 4000, 8000))
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)

    meter = find_meter(GPU)

    assert (meter.read_joules() if meter else None) == joules


def test_each_replica_reads_the_gpus_that_its_launcher_gives_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(1000, 2000, 4000, 8000))
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    replicas = GPU.model_copy(update={"replicas": 3})

    meters = [find_meter(replicas, replica=replica) for replica in range(3)]

    assert [meter.read_joules() if meter else None for meter in meters] == [3.0, 12.0, None]


def test_this_hosts_gpus_are_not_those_of_an_engine_elsewhere(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "pynvml", fake_nvml(1000, 2000))

    assert find_meter(GPU.model_copy(update={"engine": "external"})) is None


def test_a_machine_without_nvidias_driver_has_no_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    library = fake_nvml()

    def refuse() -> None:
        raise library.NVMLError("library not found")

    library.nvmlInit = refuse
    monkeypatch.setitem(sys.modules, "pynvml", library)

    assert find_meter(GPU) is None


async def test_the_heartbeat_tells_of_energy_and_its_source(start_worker: StartWorker) -> None:
    worker = await start_worker(assumed_power_watts=3200.0)
    await worker.monitor.probe()

    heartbeat = await worker.heartbeat.build()

    assert heartbeat.energy_source is EnergySource.ASSUMED
    assert heartbeat.energy_joules > 0.0
    assert heartbeat.power_watts == pytest.approx(3200.0)
    assert heartbeat.kv_cache_usage is None
