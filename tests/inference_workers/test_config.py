"""Settings come from the environment, and a wrong one is named in one line."""

from __future__ import annotations

from pathlib import Path

import pytest

from inference_workers.config import load_launcher_settings, load_worker_settings
from inference_workers.errors import ConfigurationError


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("LOG_LEVEL", "LOG_FORMAT", "ENGINE_URL", "ENGINE_SOCKET", "REDIS_URL_FILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("REDIS_URL", "redis://localhost:6379/0")
    monkeypatch.setenv("DEPLOYMENT", "smollm2-135m")
    monkeypatch.setenv("ENGINE_DIR", "/run/engines")


@pytest.mark.parametrize(
    ("name", "value", "line"),
    [
        ("REDIS_URL", "", "REDIS_URL is not set"),
        ("DEPLOYMENT", "", "DEPLOYMENT is not set"),
        (
            "REDIS_URL",
            "localhost:6379",
            "REDIS_URL: must start with redis://, rediss:// or unix://",
        ),
        ("ENGINE_URL", "10.0.0.1:8000", "ENGINE_URL: must start with http:// or https://"),
        (
            "LOG_LEVEL",
            "LOUD",
            "LOG_LEVEL: Input should be 'DEBUG', 'INFO', 'WARNING' or 'ERROR'",
        ),
        (
            "SHUTDOWN_GRACE_SECONDS",
            "soon",
            (
                "SHUTDOWN_GRACE_SECONDS: Input should be a valid number, "
                "unable to parse string as a number"
            ),
        ),
    ],
)
def test_wrong_value_is_one_line_that_names_the_variable(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, line: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings()

    assert str(caught.value) == line


def test_engine_has_one_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_URL", "http://10.0.0.1:8000")
    monkeypatch.setenv("ENGINE_SOCKET", "/run/engine.sock")

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings()

    assert str(caught.value) == "ENGINE_URL and ENGINE_SOCKET exclude each other; unset one"


def test_socket_path_that_no_socket_can_have_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ENGINE_DIR", "/" + "x" * 100)

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings()

    path = "/" + "x" * 100 + "/smollm2-135m/engine.sock"
    assert str(caught.value) == (
        f"ENGINE_DIR: the socket's path {path} is longer than the 107 bytes "
        "that a Unix socket may have"
    )


def test_socket_lies_in_the_deployments_own_folder(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_worker_settings().socket == Path("/run/engines/smollm2-135m/engine.sock")

    monkeypatch.setenv("ENGINE_SOCKET", "/run/e.sock")
    assert load_worker_settings().socket == Path("/run/e.sock")


def test_secret_may_come_from_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "redis_url"
    file.write_text("redis://:secret@valkey:6379/1\n")
    monkeypatch.setenv("REDIS_URL_FILE", str(file))
    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings()
    assert str(caught.value) == "REDIS_URL and REDIS_URL_FILE exclude each other; unset one"

    monkeypatch.delenv("REDIS_URL")
    assert load_worker_settings().redis_url == "redis://:secret@valkey:6379/1"


def test_secret_file_that_is_missing_is_named(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("REDIS_URL")
    monkeypatch.setenv("REDIS_URL_FILE", str(tmp_path / "none"))

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings()

    assert str(caught.value) == (
        f"REDIS_URL_FILE: cannot read {tmp_path / 'none'}: No such file or directory"
    )


@pytest.mark.parametrize(
    ("redis_url", "broker_url"),
    [
        ("redis://valkey:6379/2", "redis://valkey:6379/2"),
        ("unix:///run/valkey.sock", "redis+socket:///run/valkey.sock?virtual_host=0"),
        ("unix:///run/valkey.sock?db=3", "redis+socket:///run/valkey.sock?virtual_host=3"),
    ],
)
def test_celery_gets_the_same_server(
    monkeypatch: pytest.MonkeyPatch, redis_url: str, broker_url: str
) -> None:
    monkeypatch.setenv("REDIS_URL", redis_url)

    assert load_worker_settings().celery_broker_url == broker_url


def test_launcher_needs_no_broker_and_takes_its_deployment_by_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("REDIS_URL")

    assert load_launcher_settings("opt-175b").load_deployment().tensor_parallel_size == 8


def test_worker_of_an_engine_elsewhere_needs_its_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DEPLOYMENT", "opt-175b-external")

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings().load_deployment()

    assert str(caught.value) == (
        "ENGINE_URL is not set: opt-175b-external is an engine that runs elsewhere"
    )
    monkeypatch.setenv("ENGINE_URL", "http://10.0.0.1:8000/")
    settings = load_worker_settings()
    assert settings.load_deployment().queue_name == "opt-175b"
    assert settings.engine_url == "http://10.0.0.1:8000"


def test_replica_that_the_deployment_does_not_have_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REPLICA", "1")

    with pytest.raises(ConfigurationError) as caught:
        load_worker_settings().load_deployment()

    assert str(caught.value) == (
        "REPLICA: 1 is too high: smollm2-135m has replicas = 1, counted from 0"
    )
