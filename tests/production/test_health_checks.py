"""The containers' health checks accept a healthy part and no other."""

from __future__ import annotations

import importlib.util
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from types import ModuleType

import pytest
import redis

from inference_workers.contract import WORKERS_KEY, worker_key
from tests.production.compose import ROOT


def load(name: str) -> ModuleType:
    """A script of docker/, which is not a package."""
    spec = importlib.util.spec_from_file_location(name, ROOT / "docker" / f"{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Site(BaseHTTPRequestHandler):
    """Ready under its own name only, as Django is."""

    def do_GET(self) -> None:
        is_ours = self.path == "/readyz" and self.headers["Host"] == "gatehouse.example.org"
        self.send_response(200 if is_ours else 400)
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the base's name
        """Say nothing."""


@pytest.fixture
def site_port() -> Iterator[int]:
    with HTTPServer(("127.0.0.1", 0), Site) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def test_the_web_check_asks_under_the_sites_own_name(site_port: int) -> None:
    check = load("check_web")
    assert check.is_ready("gatehouse.example.org", port=site_port) is True
    assert check.is_ready("127.0.0.1", port=site_port) is False


@contextmanager
def engine_answering(address: Path, answer: bytes) -> Iterator[None]:
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(address))
        server.listen()

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(1024)
                connection.sendall(answer)

        thread = threading.Thread(target=serve)
        thread.start()
        yield
        thread.join()


@pytest.mark.parametrize(
    ("answer", "expected"),
    [(b"HTTP/1.1 200 OK\r\n\r\n", True), (b"HTTP/1.1 503 Service Unavailable\r\n\r\n", False)],
)
def test_the_engine_check_reads_the_status(tmp_path: Path, answer: bytes, expected: bool) -> None:
    address = tmp_path / "engine.sock"
    with engine_answering(address, answer):
        assert load("check_engine").is_healthy(address) is expected


def test_the_engine_check_fails_without_an_engine(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        load("check_engine").is_healthy(tmp_path / "engine.sock")


def test_the_worker_check_wants_a_living_heartbeat_of_this_host(valkey: redis.Redis) -> None:
    check = load("check_worker")
    name = "opt-175b@gpu1.7.abc123"
    assert check.is_beating(valkey, deployment="opt-175b", host="gpu1") is False
    valkey.zadd(WORKERS_KEY, {name: 0})
    assert check.is_beating(valkey, deployment="opt-175b", host="gpu1") is False
    valkey.set(worker_key(name), "{}", ex=10)
    assert check.is_beating(valkey, deployment="opt-175b", host="gpu1") is True
    assert check.is_beating(valkey, deployment="opt-175b", host="gpu2") is False
    assert check.is_beating(valkey, deployment="opt-66b", host="gpu1") is False
