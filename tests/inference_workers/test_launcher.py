"""The launcher leaves no process behind, however it or its engine ends."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_workers.contract import EngineState
from inference_workers.engines.status import write_status
from inference_workers.launcher.process import find_session, read_process
from tests.inference_workers.conftest import MODELS_FILE
from tests.inference_workers.launched import ROOT, Host, is_alive, wait_for

pytestmark = pytest.mark.slow


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.clean_up()


def test_engine_is_started_warmed_up_and_stopped_with_its_children(host: Host) -> None:
    launcher = host.launch()
    status = host.wait_until_ready()
    assert status.pid is not None
    assert len(find_session(status.pid)) == 2
    assert host.folder.stat().st_mode & 0o777 == 0o700
    [warm_up] = (host.weights / "requests.jsonl").read_text().splitlines()
    assert json.loads(warm_up)["path"] == "/v1/completions"

    launcher.send_signal(signal.SIGTERM)

    assert launcher.wait(10) == 0
    assert find_session(status.pid) == []
    assert not is_alive(host.child)
    assert not (host.folder / "engine.sock").exists()
    final = host.status
    assert final is not None
    assert (final.state, final.pid) == (EngineState.DOWN, None)
    assert final.last_start_seconds is not None


def test_engine_gets_its_deployments_arguments_and_no_secrets(host: Host) -> None:
    host.launch()
    host.wait_until_ready()

    started = json.loads((host.weights / "started.json").read_text())
    assert started["env"] == {
        "REDIS_URL": None,
        "FAKE_VLLM": "yes",
        "UNWANTED": None,
        "HF_HUB_OFFLINE": "1",
    }
    assert started["argv"] == [
        *("--model", str(host.weights)),
        *("--served-model-name", "fake-vllm"),
        *("--uds", str(host.folder / "engine.sock")),
        *("--tensor-parallel-size", "1", "--pipeline-parallel-size", "1"),
        *("--max-model-len", "64", "--max-num-seqs", "4", "--max-logprobs", "-1"),
        *("--dtype", "auto", "--scheduling-policy", "priority"),
        *("--structured-outputs-config.backend", "guidance", "--generation-config", "vllm"),
        *("--disable-uvicorn-access-log", "--fake"),
    ]


@pytest.mark.parametrize(("deployment", "nice"), [("fake-vllm", 0), ("fake-vllm-on-cpu", 5)])
def test_an_engine_that_fills_the_cores_lets_others_go_first(
    tmp_path: Path, deployment: str, nice: int
) -> None:
    host = Host(tmp_path, deployment=deployment)
    try:
        host.launch()
        status = host.wait_until_ready()
        group = Path(f"/proc/{status.pid}/autogroup")
        # Kernels without this feature have no such weight.
        assert not group.exists() or group.read_text().split()[1:] == ["nice", str(nice)]
    finally:
        host.clean_up()


def test_killed_engine_is_restarted_and_its_orphan_ended(host: Host) -> None:
    host.launch()
    first = host.wait_until_ready()
    orphan = host.child
    assert first.pid is not None

    os.kill(first.pid, signal.SIGKILL)

    def is_restarted() -> bool:
        status = host.status
        return host.is_ready() and status is not None and status.pid != first.pid

    wait_for(is_restarted)
    assert not is_alive(orphan)
    assert find_session(first.pid) == []
    second = host.status
    assert second is not None
    assert second.restarts == 1


def test_engine_of_a_killed_launcher_is_ended(host: Host) -> None:
    launcher = host.launch()
    status = host.wait_until_ready()
    assert status.pid is not None

    launcher.kill()

    wait_for(lambda: not find_session(status.pid or 0))


def test_engine_that_outlived_its_launcher_is_reaped_at_the_next_start(host: Host) -> None:
    """The request to the kernel can fail, as in another pid namespace: the status file helps."""
    former = subprocess.Popen(["sleep", "600"], start_new_session=True)
    info = read_process(former.pid)
    assert info is not None
    first = host.launch()
    status = host.wait_until_ready()
    first.send_signal(signal.SIGTERM)
    first.wait(10)
    stale = status.model_copy(update={"pid": former.pid, "pid_started": info.started})
    write_status(host.folder / "status.json", stale)

    host.launch()

    assert former.wait(30) == -signal.SIGTERM


def test_process_that_only_inherited_the_number_is_left_alone(host: Host) -> None:
    stranger = subprocess.Popen(["sleep", "600"], start_new_session=True)
    first = host.launch()
    status = host.wait_until_ready()
    first.send_signal(signal.SIGTERM)
    first.wait(10)
    stale = status.model_copy(update={"pid": stranger.pid, "pid_started": 1})
    write_status(host.folder / "status.json", stale)

    host.launch()
    wait_for(lambda: host.is_ready() and getattr(host.status, "pid", None) != stranger.pid)

    assert stranger.poll() is None
    stranger.kill()
    stranger.wait()


def test_stale_socket_is_no_obstacle(host: Host) -> None:
    host.folder.mkdir(parents=True)
    with socket.socket(socket.AF_UNIX) as stale:
        stale.bind(str(host.folder / "engine.sock"))

    host.launch()

    host.wait_until_ready()


def test_second_launcher_of_a_deployment_is_refused(host: Host) -> None:
    first = host.launch()
    host.wait_until_ready()

    second = host.launch()

    output, _ = second.communicate(timeout=20)
    assert second.returncode == 1
    assert output == (f"inference_workers: another launcher (pid {first.pid}) has {host.folder}\n")


def test_engine_that_hangs_is_restarted(host: Host) -> None:
    (host.weights / "hung").touch()
    host.env["ENGINE_STALL_SECONDS"] = "1"
    host.launch()
    first = host.wait_until_ready()
    (host.weights / "hung").touch()

    def is_restarted() -> bool:
        status = host.status
        return status is not None and status.restarts >= 1

    wait_for(is_restarted)
    assert first.pid is not None
    assert find_session(first.pid) == []


def test_engine_that_never_starts_is_one_line_with_the_cause(host: Host) -> None:
    (host.weights / "fail").write_text("OSError: [Errno 28] No space left on device\n")

    output, _ = host.launch().communicate(timeout=60)

    assert output.splitlines()[-1] == (
        "inference_workers: the engine did not start in 3 tries: it ended with code 1; "
        f"the disk is full (see {host.folder / 'engine.log'})"
    )


@pytest.mark.parametrize(
    ("change", "arguments", "code", "line"),
    [
        ({"ENGINE_PYTHON": "/none"}, (), 1, "ENGINE_PYTHON: /none cannot be run: No such file"),
        ({"PYTHONPATH": str(ROOT)}, (), 1, "vLLM is not installed for ENGINE_PYTHON="),
        ({"WEIGHTS_DIR": "/none"}, (), 1, "the weights of fake-vllm are missing: there is no"),
        ({"ENGINE_DIR": "/proc/none"}, (), 1, "/proc/none/fake-vllm cannot be created: No such"),
        ({"ENGINE_URL": "http://10.0.0.1"}, (), 2, "ENGINE_URL is set: that engine does not run"),
        ({}, ("none",), 2, f"DEPLOYMENT: 'none' is not in {MODELS_FILE} (known: fake-external,"),
        ({"MODELS_FILE": "/none"}, (), 2, "MODELS_FILE: /none does not exist"),
        ({}, ("fake-external",), 2, "DEPLOYMENT: fake-external has engine = 'external'; it needs"),
        ({"REPLICA": "1"}, (), 2, "REPLICA: 1 is too high: fake-vllm has replicas = 1, counted"),
        (
            {"REPLICA": "1", "CUDA_VISIBLE_DEVICES": "0,1,2"},
            ("fake-replicas",),
            1,
            "CUDA_VISIBLE_DEVICES=0,1,2 has no 2 GPUs for REPLICA=1 of fake-replicas",
        ),
    ],
)
def test_what_prevents_a_start_is_one_line(
    host: Host, change: dict[str, str], arguments: tuple[str, ...], code: int, line: str
) -> None:
    host.env |= change
    launcher = host.launch(*arguments)

    output, _ = launcher.communicate(timeout=20)

    assert launcher.returncode == code
    assert output.count("\n") == 1
    assert output.startswith(f"inference_workers: {line}")
