"""`python -m inference_workers check`, as an operator runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from inference_workers.check.weights_manifest import hash_weights
from tests.inference_workers.launched import Host


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Host]:
    host = Host(tmp_path)
    yield host
    host.clean_up()


def check(host: Host, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "inference_workers", "check", *arguments],
        env=host.env,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_nothing_prevents_a_deployment(host: Host) -> None:
    done = check(host, "fake-vllm")

    lines = done.stdout.splitlines()
    assert (done.returncode, done.stderr) == (0, "")
    assert lines[-1] == "Nothing prevents fake-vllm from running here."
    assert lines[-2].split() == ["ok", "socket", f"{host.folder}/engine.sock"]
    assert {line.split()[0] for line in lines[:-1]} == {"ok", "warning"}


def test_a_problem_is_one_line_and_the_exit_code(host: Host) -> None:
    (host.weights / "model.safetensors").write_bytes(b"cut")

    done = check(host, "fake-vllm")

    assert done.returncode == 1
    assert [line for line in done.stdout.splitlines() if line.startswith("problem")] == [
        f"problem  weights    model.safetensors in {host.weights} is truncated: copy them again"
    ]
    assert done.stdout.splitlines()[-1] == "fake-vllm cannot run here: 1 problem."


def test_programs_get_json(host: Host) -> None:
    done = check(host, "fake-vllm", "--json", "--verify-weights")

    document = json.loads(done.stdout)
    [found] = [finding for finding in document["findings"] if finding["check"] == "hash"]
    assert (document["deployment"], document["queue"], document["can_run"]) == (
        *("fake-vllm", "fake-vllm", True),
    )
    assert found == {
        "check": "hash",
        "level": "warning",
        "text": "models.toml has no weights_sha256 to compare with",
        "advice": f'add weights_sha256 = "{hash_weights(host.weights)}"',
    }


def test_wrong_settings_are_one_line(host: Host) -> None:
    done = check(host, "none")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(
        "inference_workers: 'none' is neither a deployment nor a known model (known: bloom-176b, "
    )


def test_a_known_model_is_checked_as_one_engine_of_this_host(host: Host) -> None:
    done = check(host, "bloom-176b")

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].split(maxsplit=2) == [
        *("warning", "deployment"),
        (
            f"{host.env['MODELS_FILE']} has no bloom-176b; assuming 1 rank with its full context: "
            "add a table before you start the deployment"
        ),
    ]
    assert lines[-1].startswith("bloom-176b cannot run here: ")


def test_the_launcher_refuses_what_cannot_run(host: Host) -> None:
    (host.weights / "model.safetensors").write_bytes(b"cut")

    output, _ = host.launch().communicate(timeout=30)

    assert output == (
        "inference_workers: fake-vllm cannot run here: model.safetensors in "
        f"{host.weights} is truncated: copy them again (more: python -m inference_workers check "
        "fake-vllm)\n"
    )
    assert not (host.weights / "started.json").exists()


def test_an_external_engine_without_an_address_cannot_be_used(host: Host) -> None:
    done = check(host, "fake-external")

    assert (done.returncode, done.stdout.splitlines()) == (
        1,
        [
            ("problem  engine  ENGINE_URL is not set: set the address of the running engine"),
            "fake-external cannot run here: 1 problem.",
        ],
    )
