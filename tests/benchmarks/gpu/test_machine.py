from __future__ import annotations

import pytest

from benchmarks.gpu.machine import NAMES, find_machine
from capacity.gpus import GPUS
from demo.terminal import RefusalError
from tests.benchmarks.gpu.machines import found


def test_the_data_sheet_is_found_by_the_drivers_name() -> None:
    gpus = [found("NVIDIA A100-SXM4-80GB", index=index) for index in range(8)]

    machine = find_machine(gpus, driver="580.1")

    assert (machine.gpu, machine.count) == (GPUS["a100-80gb"], 8)
    assert str(machine) == "8 × NVIDIA A100-SXM4-80GB (driver 580.1)"  # noqa: RUF001


def test_every_gpu_that_the_planner_knows_can_be_found() -> None:
    assert set(NAMES.values()) == set(GPUS)


def test_an_unknown_gpu_is_taken_with_a_data_sheet_only() -> None:
    pcie = [found("NVIDIA H100 PCIe")]

    with pytest.raises(RefusalError, match=r"^NVIDIA H100 PCIe is unknown; give the data sheet"):
        find_machine(pcie, driver="580.1")
    assert find_machine(pcie, driver="580.1", slug="h100-80gb").gpu == GPUS["h100-80gb"]


def test_without_a_gpu_one_line_says_so() -> None:
    with pytest.raises(RefusalError) as caught:
        find_machine([], driver="")
    assert str(caught.value) == (
        "no GPU: nvidia-smi lists none that CUDA_VISIBLE_DEVICES allows; run this on a host "
        "with a GPU, or try it with --device cpu"
    )


def test_gpus_that_differ_are_refused() -> None:
    with pytest.raises(RefusalError) as caught:
        find_machine([found("Tesla T4"), found("NVIDIA L4", index=1)], driver="580.1")
    assert str(caught.value) == (
        "the GPUs differ (NVIDIA L4, Tesla T4); set CUDA_VISIBLE_DEVICES to GPUs of one kind"
    )
