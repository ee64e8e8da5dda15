"""Two launchers with two folders are two hosts: they start, restart and end as one engine."""

from __future__ import annotations

import json
import os
import signal
import socket
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from inference_workers.contract import EngineState
from inference_workers.launcher.process import find_session
from tests.inference_workers.launched import Host, is_alive, wait_for

pytestmark = pytest.mark.slow

DEPLOYMENT = "fake-nodes"


def find_two_ports() -> int:
    """A port that is free, as is the next one."""
    for _ in range(50):
        with socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port = int(first.getsockname()[1])
            try:
                second.bind(("127.0.0.1", port + 1))
            except (OSError, OverflowError):
                continue
            return port
    raise AssertionError("no two free ports in a row")


@pytest.fixture
def nodes(tmp_path: Path) -> Iterator[tuple[Host, Host]]:
    port = find_two_ports()
    hosts = tuple(Host(tmp_path / f"n{rank}", deployment=DEPLOYMENT) for rank in range(2))
    for rank, host in enumerate(hosts):
        host.env |= {
            "NODE_RANK": str(rank),
            "MASTER_ADDR": "127.0.0.1",
            "MASTER_PORT": str(port),
        }
    yield hosts[0], hosts[1]
    for host in hosts:
        host.clean_up()


def pid_of(host: Host) -> int:
    return getattr(host.status, "pid", None) or 0


def restart_of(host: Host, former: int) -> bool:
    return host.is_ready() and pid_of(host) not in {0, former}


def test_the_second_host_runs_its_ranks_without_a_server(nodes: tuple[Host, Host]) -> None:
    leader, follower = nodes
    leader.launch()
    follower.launch()
    leader.wait_until_ready()
    follower.wait_until_ready()

    port = leader.env["MASTER_PORT"]
    shared = [
        *("--tensor-parallel-size", "2", "--pipeline-parallel-size", "1"),
        *("--distributed-executor-backend", "mp", "--nnodes", "2", "--node-rank", "{rank}"),
        *("--master-addr", "127.0.0.1", "--master-port", port),
        *("--max-model-len", "64", "--max-num-seqs", "32", "--max-logprobs", "-1"),
        *("--dtype", "auto", "--scheduling-policy", "priority"),
        *("--structured-outputs-config.backend", "guidance", "--generation-config", "vllm"),
        "--disable-uvicorn-access-log",
    ]
    started = json.loads((leader.weights / "started.json").read_text())
    assert started["argv"] == [
        *("--model", str(leader.weights), "--served-model-name", DEPLOYMENT),
        *("--uds", str(leader.folder / "engine.sock")),
        *(word.format(rank=0) for word in shared),
    ]
    headless = json.loads((follower.weights / "headless.json").read_text())
    assert headless["argv"] == [
        *("serve", str(follower.weights), "--served-model-name", DEPLOYMENT, "--headless"),
        *(word.format(rank=1) for word in shared),
    ]
    assert headless["master"] is None
    assert not (follower.weights / "requests.jsonl").exists()


@pytest.mark.parametrize("first", [0, 1])
def test_whichever_host_is_first_waits_for_the_other(nodes: tuple[Host, Host], first: int) -> None:
    early, late = nodes[first], nodes[1 - first]
    early.launch()
    wait_for(lambda: getattr(early.status, "state", None) is EngineState.STARTING)
    status = early.status
    assert status is not None
    assert (status.pid, status.detail) == (None, "waiting for the launchers of the other hosts")

    late.launch()

    assert early.wait_until_ready().detail == ""
    late.wait_until_ready()


@pytest.mark.parametrize("killed", [0, 1])
def test_an_engine_killed_on_either_host_starts_anew_on_both(
    nodes: tuple[Host, Host], killed: int
) -> None:
    for host in nodes:
        host.launch()
    former = [host.wait_until_ready().pid or 0 for host in nodes]

    os.kill(former[killed], signal.SIGKILL)

    for host, pid in zip(nodes, former, strict=True):
        wait_for(partial(restart_of, host, pid))
        assert find_session(pid) == []


def test_stopping_node_0_ends_the_other_hosts_engine_and_its_launcher_waits(
    nodes: tuple[Host, Host],
) -> None:
    leader, follower = nodes
    first, second = leader.launch(), follower.launch()
    leader.wait_until_ready()
    former = follower.wait_until_ready().pid or 0

    first.send_signal(signal.SIGTERM)

    assert first.wait(20) == 0
    wait_for(lambda: not find_session(former))
    assert second.poll() is None
    leader.launch()
    wait_for(lambda: restart_of(follower, former), seconds=30.0)
    second.send_signal(signal.SIGTERM)
    assert second.wait(20) == 0


def test_a_launcher_that_is_killed_takes_the_engine_of_both_hosts_with_it(
    nodes: tuple[Host, Host],
) -> None:
    leader, follower = nodes
    first = leader.launch()
    follower.launch()
    pids = [host.wait_until_ready().pid or 0 for host in nodes]

    first.kill()

    wait_for(lambda: not any(find_session(pid) for pid in pids))
    assert not any(is_alive(pid) for pid in pids)


def test_a_host_whose_ranks_never_start_names_the_cause_and_the_other_waits(
    nodes: tuple[Host, Host],
) -> None:
    leader, follower = nodes
    (follower.weights / "headless-fail").write_text("MemoryError\n")
    first = leader.launch()

    output, _ = follower.launch().communicate(timeout=60)

    assert output.splitlines()[-1] == (
        "inference_workers: the engine did not start in 3 tries: it ended with code 1; the "
        f"machine does not have enough memory (see {follower.folder / 'engine.log'})"
    )
    assert first.poll() is None


def test_hosts_with_different_deployments_of_one_name_are_refused(
    nodes: tuple[Host, Host], tmp_path: Path
) -> None:
    leader, follower = nodes
    other = tmp_path / "models.toml"
    other.write_text(
        Path(leader.env["MODELS_FILE"])
        .read_text()
        .replace("max_model_len = 64", "max_model_len = 32")
    )
    follower.env["MODELS_FILE"] = str(other)
    leader.launch()

    output, _ = follower.launch().communicate(timeout=30)

    assert output.splitlines()[-1] == (
        "inference_workers: node 0 refuses this one: MODELS_FILE: max_model_len of fake-nodes "
        "differs from node 0"
    )


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        (
            "NODE_RANK",
            "",
            (
                "NODE_RANK is not set: fake-nodes spans 2 hosts; set 0 on the host that "
                "takes requests, and 1 to 1 on the others"
            ),
        ),
        ("NODE_RANK", "2", "NODE_RANK: 2 is too high: fake-nodes spans 2 hosts, counted from 0"),
        (
            "MASTER_ADDR",
            "",
            (
                "MASTER_ADDR is not set: fake-nodes spans 2 hosts; set the address at which "
                "all of them reach node 0"
            ),
        ),
        (
            "MASTER_PORT",
            "99999",
            "MASTER_PORT: Input should be less than or equal to 65534",
        ),
    ],
)
def test_a_wrong_variable_is_one_line(
    nodes: tuple[Host, Host], name: str, value: str, line: str
) -> None:
    nodes[0].env[name] = value

    output, _ = nodes[0].launch().communicate(timeout=20)

    assert output == f"inference_workers: {line}\n"
